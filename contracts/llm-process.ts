import type { InspectedModel, ModelAnswer, ModelProgress, ModelRequest } from './llm.ts';

/**
 * Messages between the engine and the llm process; the supervisor relays them and starts the process with the first call.
 * One call at a time: the engine queues. A call ends with exactly one of answer, counted, inspected, error.
 */
export interface ModelLoad extends InspectedModel {
  /** Where the file lies: it is used in place. */
  readonly path: string;
}
export type ModelCall =
  /** Whole check of a file: header, SHA-256 of its bytes. Loads nothing. */
  | { readonly call: 'inspect'; readonly id: number; readonly path: string }
  | { readonly call: 'count'; readonly id: number; readonly load: ModelLoad; readonly text: string }
  | {
      readonly call: 'ask';
      readonly id: number;
      readonly load: ModelLoad;
      readonly request: Pick<ModelRequest, 'prompt' | 'grammar' | 'maxTokens'>;
    }
  /** The call of this id ends with error model_cancelled at the next chunk or token. */
  | { readonly call: 'cancel'; readonly id: number };
export type ModelNews =
  | { readonly news: 'inspecting'; readonly id: number; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly news: 'progress'; readonly id: number; readonly progress: ModelProgress }
  | { readonly news: 'inspected'; readonly id: number; readonly inspected: InspectedModel }
  | { readonly news: 'counted'; readonly id: number; readonly tokens: number }
  | { readonly news: 'answer'; readonly id: number; readonly answer: ModelAnswer }
  | { readonly news: 'error'; readonly id: number; readonly code: string; readonly message: string }
  /** Twice a second while a call runs. */
  | { readonly news: 'vitals'; readonly rssBytes: number };

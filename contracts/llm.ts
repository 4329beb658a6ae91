/**
 * The door to the local language model. `main/` talks to the llm process through it, `models/` asks its one closed
 * question through it; tests and the tiny demo model use the same door. Telemetry never travels as a system role.
 */
export interface ModelFile {
  readonly name: string;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
  readonly bytes: number;
  /** Made by our own script from a seed: proves the path, knows nothing. Said wherever it speaks. */
  readonly demo: boolean;
  readonly contextTokens: number;
  readonly architecture: string;
}
/** A model file after its whole check. */
export interface InspectedModel {
  readonly file: ModelFile;
  /** Of the file when it was checked: another time or size means another file. */
  readonly modifiedMs: number;
  /** Memory it will take while it answers: an estimate from size and header. */
  readonly neededBytes: number;
}
export interface ModelRequest {
  /** One user turn, template not yet applied. */
  readonly prompt: string;
  /** GBNF; the answer cannot leave it. */
  readonly grammar: string;
  readonly maxTokens: number;
  /** From the moment of asking, loading included. */
  readonly deadlineMs: number;
}
export interface ModelProgress {
  readonly stage: 'loading' | 'reading' | 'writing';
  readonly doneTokens: number;
  readonly totalTokens: number;
}
export interface ModelAnswer {
  readonly text: string;
  readonly model: ModelFile;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly loadMs: number;
  readonly readMs: number;
  readonly writeMs: number;
}
export interface ModelState {
  readonly state: 'none' | 'idle' | 'starting' | 'ready' | 'busy' | 'failed';
  readonly model: ModelFile | null;
  /** A sentence; '' when nothing is wrong. */
  readonly error: string;
  readonly rssBytes: number;
}
/** Calls are answered one after the other. Failures are FaultlineErrors whose code begins with `model_`. */
export interface LanguageModel {
  state(): ModelState;
  countTokens(text: string): Promise<number>;
  ask(
    request: ModelRequest,
    options?: { readonly signal?: AbortLike; readonly onProgress?: (progress: ModelProgress) => void },
  ): Promise<ModelAnswer>;
}
export interface AbortLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

import { FaultlineError } from '#contracts/errors.ts';
import type { LanguageModel } from '#contracts/llm.ts';

const refuse = (): Promise<never> => Promise.reject(new FaultlineError('model_none', 'No local model is chosen.'));
/** Stands where no model can run. */
export const NO_MODEL: LanguageModel = {
  state: () => ({ state: 'none', model: null, error: '', rssBytes: 0 }),
  countTokens: refuse,
  ask: refuse,
};

import { FaultlineError } from '#contracts/errors.ts';
import type { LanguageModel, ModelState } from '#contracts/llm.ts';
import { inspectModelFile } from './inspect-file.ts';
import { type AskOptions, openModel } from './open-model.ts';

/**
 * A model file behind the door of contracts/llm.ts, in this very process: for tests, benches and scripts that may die with
 * it. The console asks through its own process (main/llm). @throws FaultlineError
 */
export async function openDirectModel(path: string): Promise<LanguageModel & { close(): Promise<void> }> {
  const { file, modifiedMs } = await inspectModelFile(path);
  const model = await openModel({ path, file, modifiedMs });
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    waiting++;
    const result = last.then(work).finally(() => waiting--);
    last = result.catch(() => undefined);
    return result;
  };
  return {
    state: (): ModelState => ({ state: waiting > 0 ? 'busy' : 'ready', model: file, error: '', rssBytes: process.memoryUsage.rss() }),
    countTokens: (text) => inTurn(async () => model.countTokens(text)),
    ask: (request, options: AskOptions = {}) => {
      const deadline = AbortSignal.timeout(request.deadlineMs);
      const signal = {
        get aborted() {
          return deadline.aborted || (options.signal?.aborted ?? false);
        },
        addEventListener: () => undefined,
      };
      return inTurn(() => model.ask(request, { ...options, signal })).catch((error: FaultlineError) => {
        if (error.code !== 'model_cancelled' || options.signal?.aborted) throw error;
        throw new FaultlineError('model_deadline', `The model did not answer within ${request.deadlineMs} ms.`);
      });
    },
    close: () => model.close(),
  };
}

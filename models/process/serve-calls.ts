import { FaultlineError } from '#contracts/errors.ts';
import type { AbortLike, ModelProgress } from '#contracts/llm.ts';
import type { ModelCall, ModelLoad, ModelNews } from '#contracts/llm-process.ts';
import { inspectModelFile } from '../runtime/inspect-file.ts';
import { type OpenModel, openModel } from '../runtime/open-model.ts';

const VITALS_MS = 500;
/** Progress of a check is told in steps of this many bytes. */
const TELL_BYTES = 32 * 1024 * 1024;

/** A cancel flag the runtime looks at between chunks and tokens. */
class Cancel implements AbortLike {
  aborted = false;
  addEventListener(): void {
    // Looked at, never listened to: nothing native can be stopped in the middle.
  }
}
export interface CallServer {
  hear(call: ModelCall): void;
}

/**
 * The llm process's whole work: holds at most one loaded model, answers one call at a time. Keeps nothing that would be
 * missed: it may be killed at any moment.
 */
export function serveCalls(send: (news: ModelNews) => void, log: (line: string) => void): CallServer {
  let open: { readonly model: OpenModel; readonly sha256: string; readonly path: string } | null = null;
  let running: { readonly id: number; readonly cancel: Cancel } | null = null;
  const tellVitals = (): void => send({ news: 'vitals', rssBytes: process.memoryUsage.rss() });

  async function loaded(load: ModelLoad, id: number): Promise<OpenModel> {
    if (open?.sha256 === load.file.sha256 && open.path === load.path) return open.model;
    const before = open;
    open = null;
    await before?.model.close();
    send({ news: 'progress', id, progress: { stage: 'loading', doneTokens: 0, totalTokens: 0 } });
    const model = await openModel({ ...load, log });
    open = { model, sha256: load.file.sha256, path: load.path };
    return model;
  }
  async function answer(call: Exclude<ModelCall, { call: 'cancel' }>, cancel: Cancel): Promise<ModelNews> {
    const { id } = call;
    if (call.call === 'inspect') {
      let told = 0;
      const inspected = await inspectModelFile(call.path, {
        signal: cancel,
        onProgress: (doneBytes, totalBytes) => {
          if (doneBytes - told < TELL_BYTES && doneBytes < totalBytes) return;
          told = doneBytes;
          send({ news: 'inspecting', id, doneBytes, totalBytes });
        },
      });
      return { news: 'inspected', id, inspected };
    }
    const wasOpen = open !== null;
    const model = await loaded(call.load, id);
    if (call.call === 'count') return { news: 'counted', id, tokens: model.countTokens(call.text) };
    const onProgress = (progress: ModelProgress): void => send({ news: 'progress', id, progress });
    const asked = await model.ask(call.request, { signal: cancel, onProgress });
    return { news: 'answer', id, answer: wasOpen ? { ...asked, loadMs: 0 } : asked };
  }
  async function run(call: Exclude<ModelCall, { call: 'cancel' }>): Promise<void> {
    const cancel = new Cancel();
    running = { id: call.id, cancel };
    const vitals = setInterval(tellVitals, VITALS_MS);
    try {
      const news = await answer(call, cancel);
      tellVitals();
      send(news);
    } catch (error) {
      const code = error instanceof FaultlineError ? error.code : 'model_failed';
      if (!(error instanceof FaultlineError)) log(String((error as Error).stack ?? error));
      send({ news: 'error', id: call.id, code, message: error instanceof Error ? error.message : String(error) });
    } finally {
      clearInterval(vitals);
      running = null;
    }
  }
  return {
    hear(call) {
      if (call.call === 'cancel') {
        if (running?.id === call.id) running.cancel.aborted = true;
      } else if (running) {
        send({ news: 'error', id: call.id, code: 'model_busy', message: 'BUG: a call was sent while another one runs.' });
      } else void run(call);
    },
  };
}

import { freemem, totalmem } from 'node:os';
import type { ParentPort } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import type { Store } from '#contracts/store.ts';
import { ModelClient } from './model-client.ts';
import { ModelShelf } from './model-shelf.ts';

/** What the machine, or the container we are in, can still give. */
const availableBytes = (): number => process.availableMemory?.() ?? freemem();

/** The shelf of local models and the engine's end of the llm process. */
export async function openModels(options: {
  readonly store: Pick<Store, 'getState' | 'setState'>;
  readonly settings: Settings;
  readonly send: ParentPort['send'];
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}): Promise<{ readonly client: ModelClient; readonly shelf: ModelShelf }> {
  const { store, send, nowMs, log } = options;
  const { dataDir, limits } = options.settings;
  const maxBytes = limits.maxModelBytes || Math.round(totalmem() / 2);
  const client = new ModelClient({ send, idleMs: limits.modelIdleSeconds * 1_000, maxBytes, availableBytes, log });
  const idleSeconds = limits.modelIdleSeconds;
  const shelf = new ModelShelf({ store, client, dataDir, maxBytes, idleSeconds, availableBytes, nowMs, log });
  await shelf.open();
  return { client, shelf };
}

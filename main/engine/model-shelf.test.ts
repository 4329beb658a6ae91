import { setTimeout as after } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ShelfModel } from '#contracts/console-models.ts';
import { ModelClient } from './model-client.ts';
import { ModelShelf } from './model-shelf.ts';

const model = (sha256: string): ShelfModel => ({
  file: { name: sha256, sha256, bytes: 1, demo: false, contextTokens: 4_096, architecture: 'llama' },
  modifiedMs: 1,
  neededBytes: 1,
  path: `/${sha256}`,
  addedMs: 1,
});

it('two changes at once both hold', async () => {
  let kept = JSON.stringify({ models: [model('a'), model('b')], current: null });
  // A disk takes its time.
  const store = {
    getState: async () => kept,
    setState: async (_: string, json: string) => {
      await after(5);
      kept = json;
    },
  };
  const common = { availableBytes: () => 1e9, maxBytes: 1e9, log: () => undefined };
  const client = new ModelClient({ ...common, send: () => undefined, idleMs: 1 });
  const shelf = new ModelShelf({ ...common, store, client, dataDir: '/nowhere', idleSeconds: 1, nowMs: () => 1 });
  await shelf.open();
  await Promise.all([shelf.remove('a'), shelf.choose('b')]);
  expect(shelf.describe()).toMatchObject({ models: [{ path: '/b' }], current: 'b' });
  expect(JSON.parse(kept)).toMatchObject({ models: [{ path: '/b' }], current: 'b' });
});

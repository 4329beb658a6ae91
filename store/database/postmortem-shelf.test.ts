import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { POSTMORTEM_LIMITS, type PostmortemDocument } from '#contracts/postmortem.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import { TestStore } from '../test-store.ts';
import { Database } from './database.ts';

let t: TestStore;
beforeEach(async () => {
  t = new TestStore();
  await t.open();
});
afterEach(() => t.end());
const document = (title: string, incidentId = "it's"): PostmortemDocument => ({
  version: 1,
  incidentId,
  locale: 'en',
  title,
  status: 'draft',
  authors: '',
  content: [{ type: 'paragraph', attrs: { prompt: '' }, content: [{ type: 'text', text: '<script>alert(1)</script>' }] }],
});

it('a saved revision is there after a restart, as it was, with those before it', async () => {
  expect(await t.store.postmortems.get("it's")).toBeNull();
  await t.store.postmortems.save(document('one'), 0, '');
  t.nowMs += 1_000;
  await t.store.postmortems.save(document('two'), 1, 'window-a');
  await t.reopen();
  const { postmortems } = t.store;
  expect(await postmortems.get("it's")).toMatchObject({ revision: 2, savedMs: t.nowMs, editor: 'window-a', document: document('two') });
  expect((await postmortems.get("it's", 1))?.document).toEqual(document('one'));
  expect((await postmortems.revisions("it's")).map(({ revision }) => revision)).toEqual([2, 1]);
  expect(await postmortems.list()).toMatchObject([{ incidentId: "it's", revision: 2, title: 'two', status: 'draft' }]);
  expect((await t.store.userQuery('SELECT incident_id, revision, title FROM postmortems')).rows()).toEqual([
    { incident_id: "it's", revision: 2, title: 'two' },
  ]);
});
it('of two windows that save on the same base one wins, and the other is told', async () => {
  const { postmortems } = t.store;
  await postmortems.save(document('base'), 0, '');
  const [first, second] = await Promise.allSettled([
    postmortems.save(document('mine'), 1, 'a'),
    postmortems.save(document('yours'), 1, 'b'),
  ]);
  expect(first).toMatchObject({ status: 'fulfilled', value: { revision: 2 } });
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } });
  await expect(postmortems.save(document('draft again'), 0, '')).rejects.toMatchObject({ code: 'conflict' });
  await expect(postmortems.save(document('of another', 'other'), 3, '')).rejects.toMatchObject({ code: 'conflict' });
  expect((await postmortems.get("it's"))?.document.title).toBe('mine');
});
it('a document over the limit is refused, and nothing is kept of it', async () => {
  const large = {
    ...document('large'),
    content: [{ type: 'code_block' as const, content: [{ type: 'text' as const, text: '界'.repeat(300_000) }] }],
  };
  await expect(t.store.postmortems.save(large, 0, '')).rejects.toMatchObject({ code: 'bad_request' });
  expect(await t.store.postmortems.get("it's")).toBeNull();
});
it('keeps the first draft and the newest revisions', async () => {
  // Fewer than the 200 of real life: each save is a transaction.
  const limits: { revisions: number } = POSTMORTEM_LIMITS;
  const { revisions } = limits;
  limits.revisions = 20;
  try {
    for (let revision = 0; revision < 25; revision++) await t.store.postmortems.save(document(`r${revision + 1}`), revision, 'a');
  } finally {
    limits.revisions = revisions;
  }
  const kept = (await t.store.postmortems.revisions("it's")).map(({ revision }) => revision);
  expect([kept.length, kept[0], kept.at(-2), kept.at(-1)]).toEqual([21, 25, 6, 1]);
});
it('a data folder of layout 1 gets the table and keeps what it had', async () => {
  await t.store.setState('kept', '"yes"');
  await t.store.close();
  const database = await Database.open(t.dataDir, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  const connection = await database.connect();
  await connection.run(`ATTACH '${join(t.dataDir, 'catalog.duckdb')}' AS old (STORAGE_VERSION 'latest')`);
  await connection.run('DROP TABLE old.main.postmortem_revisions');
  for (const later of ['llm_calls', 'batches']) await connection.run(`DROP TABLE old.main.${later}`);
  await connection.run('UPDATE old.main.schema_version SET version = 1');
  await connection.run('DETACH old');
  database.close();
  await t.open();
  expect(await t.store.facts()).toMatchObject({ schemaVersion: SCHEMA_VERSION, problems: [] });
  expect(await t.store.getState('kept')).toBe('"yes"');
  await t.store.postmortems.save(document('new'), 0, '');
  expect((await t.store.postmortems.get("it's"))?.revision).toBe(1);
});

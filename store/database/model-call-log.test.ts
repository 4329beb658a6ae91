import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MODEL_CALL_LIMITS, type ModelCall } from '#contracts/explanation.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import { TestStore } from '../test-store.ts';
import { Database } from './database.ts';

let t: TestStore;
beforeEach(async () => {
  t = new TestStore();
  await t.open();
});
afterEach(() => t.end());
const call = (id: string, more: Partial<ModelCall> = {}): ModelCall => ({
  id,
  incidentId: "it's",
  askedMs: t.nowMs,
  outcome: 'answered',
  message: '',
  cached: false,
  model: { name: 'tiny', sha256: 'ab'.repeat(32), demo: true },
  promptVersion: 'explain-1',
  rankingHash: 'aa',
  choice: { rank: 1, service: 'a', kind: 'bad_deploy', confidence: 'low', evidence: ['E1'], agrees: true },
  sentences: [{ text: 'a is slow.', evidence: ['E1'] }],
  dropped: [{ text: 'b is slow.', reasons: [{ reason: 'entity', part: 'b' }] }],
  promptTokens: 900,
  answerTokens: 80,
  cardTokens: 600,
  leftOut: 0,
  loadMs: 1.5,
  readMs: 20,
  writeMs: 30,
  totalMs: 60,
  prompt: 'S1',
  answer: '{}',
  aliases: { S1: 'a' },
  cacheKey: `key-${id}`,
  ...more,
});

it('a call is there after a restart, as it was, and as a row for SQL', async () => {
  const { cacheKey, ...explanation } = call('one');
  await t.store.modelCalls.save({ cacheKey, ...explanation });
  await t.reopen();
  expect(await t.store.modelCalls.list("it's", 10)).toEqual([explanation]);
  expect(await t.store.modelCalls.list('other', 10)).toEqual([]);
  expect((await t.store.userQuery('SELECT * EXCLUDE (time, prompt, drop_reasons) FROM llm_calls')).rows()).toEqual([
    expect.objectContaining({
      call_id: 'one',
      model: 'tiny',
      demo: true,
      verified: 1,
      dropped: 1,
      prompt_tokens: 900,
      agrees: true,
      cached: false,
    }),
  ]);
});
it('an answer is found by its key; a failed call never is', async () => {
  await t.store.modelCalls.save(call('one', { outcome: 'garbage', cacheKey: 'k', choice: null, model: null }));
  expect(await t.store.modelCalls.answered('k')).toBeNull();
  await t.store.modelCalls.save(call('two', { cacheKey: 'k' }));
  expect(await t.store.modelCalls.answered('k')).toMatchObject({ id: 'two' });
  expect(await t.store.modelCalls.answered('other')).toBeNull();
  expect((await t.store.userQuery("SELECT model, agrees, cause_rank FROM llm_calls WHERE call_id = 'one'")).rows()).toEqual([
    { model: null, agrees: null, cause_rank: null },
  ]);
});
it('the newest calls are kept, newest first', async () => {
  // Fewer than the thousand of real life: each save is a transaction.
  const limits: { rows: number } = MODEL_CALL_LIMITS;
  const { rows } = limits;
  limits.rows = 50;
  try {
    for (let n = 0; n < 53; n++) await t.store.modelCalls.save(call(`c${n}`, { askedMs: n }));
  } finally {
    limits.rows = rows;
  }
  const kept = await t.store.modelCalls.list(null, 10_000);
  expect([kept.length, kept[0]!.id, kept.at(-1)!.id]).toEqual([50, 'c52', 'c3']);
});
it('a data folder of layout 2 gets the table, and keeps what it had', async () => {
  await t.store.setState('mark', '1');
  await t.store.close();
  const database = await Database.open(t.dataDir, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  const connection = await database.connect();
  await connection.run(`ATTACH '${join(t.dataDir, 'catalog.duckdb')}' AS old`);
  for (const later of ['llm_calls', 'batches']) await connection.run(`DROP TABLE old.main.${later}`);
  await connection.run('UPDATE old.main.schema_version SET version = 2');
  await connection.run('DETACH old');
  database.close();
  await t.open();
  expect(await t.store.facts()).toMatchObject({ schemaVersion: SCHEMA_VERSION, problems: [] });
  expect(await t.store.getState('mark')).toBe('1');
  await t.store.modelCalls.save(call('one'));
  expect(await t.store.modelCalls.list(null, 10)).toHaveLength(1);
});
it('an id that no text of a statement may hold is only not there', async () => {
  expect(await t.store.modelCalls.list('a\0b', 5)).toEqual([]);
  expect(await t.store.postmortems.get('a\0b')).toBeNull();
  await expect(t.store.removeBill('a\0b')).rejects.toMatchObject({ code: 'not_found' });
});

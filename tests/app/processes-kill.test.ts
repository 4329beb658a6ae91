import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { sendSpans, spanRequest, startSpanLoad } from './span-load.ts';
import { sleep, until } from './until.ts';

/** An engine that is away, or that must go because a query took all memory: what was acknowledged is there, once. kill -9: tests/faults. */
const folders: string[] = [];
const running: FaultlineProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
async function start(args: readonly string[] = []): Promise<FaultlineProcess> {
  const faultline = await startFaultline({ args: ['--no-ui', ...args] });
  running.push(faultline);
  return faultline;
}
function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'faultline-kill-')));
  return folders.at(-1) as string;
}
const ready = (faultline: FaultlineProcess) => async (): Promise<boolean> => (await faultline.fetch('/readyz')).ok;

async function storedIds(faultline: FaultlineProcess): Promise<string[]> {
  await faultline.flush();
  return (await faultline.sql("SELECT span_id_hex(span_id) AS span_id FROM spans WHERE service LIKE 'load-%'")).map((row) =>
    String(row['span_id']),
  );
}
async function expectNothingLost(faultline: FaultlineProcess, acknowledged: readonly string[], sent: readonly string[]): Promise<void> {
  const stored = await storedIds(faultline);
  const set = new Set(stored);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.filter((id) => !set.has(id)).length, 'acknowledged and not there').toBe(0);
  expect(stored.length, 'a span is stored twice').toBe(set.size);
  const known = new Set(sent);
  expect(stored.filter((id) => !known.has(id)).length, 'there and never sent').toBe(0);
}

describe('while the engine is away', () => {
  it('the collector goes on acknowledging and says so, and the engine catches up', async () => {
    const faultline = await start();
    const engine = faultline.pids()['engine'] as number;
    // Stopped, not killed: away for exactly as long as this test wants.
    process.kill(engine, 'SIGSTOP');
    const requests = Array.from({ length: 20 }, () => spanRequest('load-away', 10));
    for (const { body } of requests) expect(await sendSpans(faultline.ingest, body)).toBe(true);
    process.kill(engine, 'SIGKILL');
    await until('a new engine', () => (faultline.pids()['engine'] ?? engine) !== engine);
    await until('the engine at work', ready(faultline));
    const ids = requests.flatMap(({ spanIds }) => spanIds);
    await expectNothingLost(faultline, ids, ids);
    const health = (await (await fetch(`${faultline.ingest}/healthz`)).json()) as { engine?: unknown };
    expect(JSON.stringify(health)).toContain('running');
  });
});

describe('SQL that takes all memory', () => {
  /** An engine that stops queries at 700 MB and ends itself at 875. */
  async function small(): Promise<FaultlineProcess> {
    const file = join(folder(), 'faultline.yaml');
    writeFileSync(file, 'limits:\n  maxEngineBytes: 700000000\n');
    return start(['--config', file]);
  }
  const ask = async (faultline: FaultlineProcess, sql: string): Promise<string> => {
    const response = await faultline.fetch('/console/query/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql }),
    });
    return response.ok ? 'ok' : ((await response.json()) as { error: { code: string } }).error.code;
  };
  it('of many rows is stopped, the engine stays: a list of all rows, texts that double', async () => {
    const faultline = await small();
    const { engine } = faultline.pids();
    for (const [i, sql] of [
      'SELECT list(range(r)) FROM range(20000) t(r)',
      "WITH RECURSIVE t(s, n) AS (SELECT 'secret-literal', 0 UNION ALL SELECT s || s, n + 1 FROM t WHERE n < 40) FROM t",
    ].entries()) {
      expect(await ask(faultline, sql), sql).toBe('query_memory');
      expect(await ask(faultline, 'SELECT 1')).toBe('ok');
      expect(faultline.pids()['engine'], sql).toBe(engine);
      expect(await (await faultline.fetch('/metrics')).text()).toContain(`faultline_queries_stopped_for_memory_total ${i + 1}`);
      expect(faultline.log()).toContain('a SQL query is stopped');
      expect(faultline.log()).not.toContain('secret-literal');
    }
  });
  it.each([
    ['lists as long as a column says', 'SELECT sum(len(range(r * 1000))) FROM range(100000) t(r)'],
    [
      'texts that grow within one call',
      `SELECT len(replace(replace(replace(repeat('a', 10000), 'a', '${'b'.repeat(500)}'), 'b', '${'c'.repeat(500)}'), 'c', 'secret-literal'))`,
    ],
  ])('%s hear no interrupt: the engine ends itself, comes back, and nothing acknowledged is lost', async (_, sql) => {
    const faultline = await small();
    const load = startSpanLoad(faultline.ingest);
    await sleep(500);
    const engine = faultline.pids()['engine'] as number;
    expect(await ask(faultline, sql)).toBe('query_memory');
    const acknowledgedThen = load.acknowledged.length;
    await until('another engine', () => (faultline.pids()['engine'] ?? engine) !== engine);
    await until('the engine at work', ready(faultline));
    await until('ingest goes on', () => load.acknowledged.length > acknowledgedThen);
    await load.stop();
    await expectNothingLost(faultline, load.acknowledged, [...load.acknowledged, ...load.unanswered]);
    const { warnings } = (await (await faultline.fetch('/console/state')).json()) as { warnings: { code: string; says: string }[] };
    expect(warnings).toContainEqual(expect.objectContaining({ code: 'query_memory', says: expect.stringContaining('ended itself') }));
    expect(await (await faultline.fetch('/metrics')).text()).toContain('faultline_engine_ended_total{code="query_memory"} 1');
    expect(faultline.log()).toContain('could not be stopped');
    expect(faultline.log()).not.toContain('secret-literal');
  });
});

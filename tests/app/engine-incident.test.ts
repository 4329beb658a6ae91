import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident, RcaResult } from '#contracts/judgement.ts';
import { createShop } from '#demo/simulate.ts';
import { openRig, type Rig } from './engine-rig.ts';

/** Half an hour of the demo shop with a bad release at 70 % of it, read from the journal by a fresh engine. */
let rig: Rig;
const MINUTES = 30;
const endMs = Math.floor(Date.now() / 10_000) * 10_000 - 10_000;
const startMs = endMs - MINUTES * 60_000;
const shop = createShop({ seed: 3, scenario: 'bad_deploy', startMs, durationMs: MINUTES * 60_000, requestsPerSecond: 5 });

/** The engine's clock stands still but where the test moves it: silence after the last body must not close anything. */
let clockMs = endMs + 10_000;

async function incidents(): Promise<Incident[]> {
  return ((await rig.json('/console/incidents')) as { incidents: Incident[] }).incidents;
}
async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  for (const started = performance.now(); performance.now() - started < 60_000; ) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`no ${what} within a minute\n${rig.lines.join('\n')}`);
}

beforeAll(async () => {
  rig = await openRig({}, () => clockMs);
  const bodies = shop.advance(endMs);
  for (const signal of ['traces', 'logs', 'metrics'] as const) for (const body of bodies[signal]) await rig.append(signal, body);
  await rig.flush();
  // A back-fill is judged once it has been calm for a while.
  clockMs += 7_000;
});
afterAll(() => rig.close());

describe('a bad release in the back-fill', () => {
  it('opens one incident that names the cause', async () => {
    const incident = await until('ranked incident', async () => (await incidents()).find((i) => i.rca !== null));
    expect((await incidents()).length).toBe(1);
    expect(incident.status).toBe('open');
    const truth = shop.truth();
    expect(Math.abs(incident.onsetMs - truth.onsetMs)).toBeLessThan(180_000);
    expect(incident.rca?.candidates[0]?.service).toBe(truth.service);
  });
  it('carries evidence whose every value its own statement gives again', async () => {
    const incident = await until('ranked incident', async () => (await incidents()).find((i) => i.rca !== null));
    const rows = incident.rca?.candidates.flatMap((c) => c.evidence) ?? [];
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) {
      const table = await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql: row.query }) });
      expect(table.numRows, `${row.says}\n${row.query}`).toBeGreaterThan(0);
      if (typeof row.value !== 'number' || row.signal === 'change') continue;
      const again = Number(table.getChild('value')?.get(0));
      expect(Math.abs(again - row.value), `${row.says}: ${again}\n${row.query}`).toBeLessThanOrEqual(
        Math.max(0.05 * Math.abs(row.value), 0.01),
      );
    }
  });
  it('stays, with what people wrote, over a restart - and is not opened twice', async () => {
    const before = await until('ranked incident', async () => (await incidents()).find((i) => i.rca !== null));
    await rig.post(`/console/incidents/${before.id}/acknowledge`);
    await rig.post(`/console/incidents/${before.id}/notes`, { text: 'rolling back' });
    await rig.restart();
    await rig.flush();
    await until('judgement after the restart', async () => (rig.running.engine.parts.evaluation.rebuilds > 0 ? true : undefined));
    await until('end of it', async () => (rig.running.engine.parts.evaluation.lastTickMs > 0 ? true : undefined));
    const after = await incidents();
    expect(after.map((i) => i.id)).toEqual([before.id]);
    expect(after[0]?.acknowledgedMs).not.toBeNull();
    expect(after[0]?.timeline.some((e) => e.kind === 'note' && e.says === 'rolling back')).toBe(true);
  });
  it('is found again by a question about the past', async () => {
    const { onsetMs, service } = shop.truth();
    const result = (await rig.post('/console/rca', { start: onsetMs, end: endMs })) as RcaResult;
    expect(result.candidates[0]?.service).toBe(service);
    expect(result.narrative).not.toBe('');
    const quiet = (await rig.post('/console/rca', { start: onsetMs - 600_000, end: onsetMs - 300_000 })) as RcaResult;
    expect(quiet.verdict).toBe('inconclusive');
  });
});

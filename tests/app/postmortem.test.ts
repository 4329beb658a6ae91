import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident, RcaResult } from '#contracts/judgement.ts';
import {
  type Check,
  type Figure,
  POSTMORTEM_LIMITS,
  type Postmortem,
  postmortemFileSchema,
  type Revision,
  type Verification,
} from '#contracts/postmortem.ts';
import { allBlocks, boundOf } from '#contracts/postmortem-tree.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { createShop } from '#demo/simulate.ts';
import { openRig, type Rig, TOKEN } from './engine-rig.ts';

/**
 * Half an hour of the demo shop with a bad release, read from the journal by a fresh engine: its incident, what becomes of it over a
 * restart, and all that becomes of its postmortem.
 */
let rig: Rig;
let incident: Incident;
const MINUTES = 30;
// Within one day, so that removing "its day" removes all of it.
const noonMs = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 12 * 3_600_000;
const startMs = noonMs - MINUTES * 60_000;
const shop = createShop({ seed: 3, scenario: 'bad_deploy', startMs, durationMs: MINUTES * 60_000, requestsPerSecond: 2.5 });
let clockMs = noonMs + 10_000;
const at = (path = ''): string => `/console/postmortems/${incident.id}${path}`;
const cli = async (...args: string[]): Promise<{ code: number; out: string; said: string }> => {
  const child = spawn(join(import.meta.dirname, '../../bin/faultline'), [
    'postmortem',
    ...args,
    '--api',
    rig.running.url,
    '--token',
    TOKEN,
  ]);
  const [out, said, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((done) => child.once('exit', (exit) => done(exit ?? -1))),
  ]);
  return { code, out, said };
};
const verify = (document?: unknown): Promise<Verification> => rig.post(at('/verify'), { document }) as Promise<Verification>;
const get = async (): Promise<Postmortem> => (await rig.json(at())) as Postmortem;
const incidents = async (): Promise<Incident[]> => ((await rig.json('/console/incidents')) as { incidents: Incident[] }).incidents;
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
  const bodies = shop.advance(noonMs);
  for (const signal of ['traces', 'logs', 'metrics'] as const) for (const body of bodies[signal]) await rig.append(signal, body);
  await rig.flush();
  // A back-fill is judged once it has been calm for a while. Silence after the last body must not close anything: the clock stands.
  clockMs += 7_000;
  incident = await until('ranked incident', async () => (await incidents()).find((i) => i.rca !== null));
});
afterAll(() => rig.close());

describe('a bad release in the back-fill', () => {
  it('opens one incident that names the cause', async () => {
    expect((await incidents()).length).toBe(1);
    expect(incident.status).toBe('open');
    const truth = shop.truth();
    expect(Math.abs(incident.onsetMs - truth.onsetMs)).toBeLessThan(180_000);
    expect(incident.rca?.candidates[0]?.service).toBe(truth.service);
  });
  it('carries evidence whose every value its own statement gives again', async () => {
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
    await rig.post(`/console/incidents/${incident.id}/acknowledge`);
    await rig.post(`/console/incidents/${incident.id}/notes`, { text: 'rolling back' });
    await rig.restart();
    await rig.flush();
    await until('judgement after the restart', async () => (rig.running.engine.parts.evaluation.rebuilds > 0 ? true : undefined));
    await until('end of it', async () => (rig.running.engine.parts.evaluation.lastTickMs > 0 ? true : undefined));
    const after = await incidents();
    expect(after.map((i) => i.id)).toEqual([incident.id]);
    expect(after[0]?.acknowledgedMs).not.toBeNull();
    expect(after[0]?.timeline.some((e) => e.kind === 'note' && e.says === 'rolling back')).toBe(true);
  });
  it('is found again by a question about the past', async () => {
    const { onsetMs, service } = shop.truth();
    const result = (await rig.post('/console/rca', { start: onsetMs, end: noonMs })) as RcaResult;
    expect(result.candidates[0]?.service).toBe(service);
    expect(result.narrative).not.toBe('');
    const quiet = (await rig.post('/console/rca', { start: onsetMs - 600_000, end: onsetMs - 300_000 })) as RcaResult;
    expect(quiet.verdict).toBe('inconclusive');
  });
});

describe('a postmortem', () => {
  beforeAll(async () => {
    await rig.flush(true);
    clockMs += 60_000;
    incident = (await rig.post(`/console/incidents/${incident.id}/resolve`)) as Incident;
  });
  it('is drafted from the evidence alone, every measured number a figure', async () => {
    expect((await rig.call(at())).status).toBe(404);
    const { document, revision } = (await rig.post(at('/draft'), { locale: 'en' })) as Postmortem;
    expect(revision).toBe(1);
    const headings = [...allBlocks(document.content)].flatMap((b) => (b.type === 'heading' && b.attrs.level === 2 ? [b.content?.[0]] : []));
    expect(headings.map((h) => (h?.type === 'text' ? h.text : ''))).toEqual([
      'Summary',
      'Impact',
      'Timeline (UTC)',
      'Causes',
      'Detection',
      'Resolution',
      'What went well',
      'What went badly',
      'Where we got lucky',
      'Action items',
    ]);
    const { figures, charts } = boundOf(document);
    expect(figures.length).toBeGreaterThan(20);
    expect(charts.length).toBeGreaterThan(0);
    expect(figures.filter((f) => f.readAtMs === null).map((f) => f.label)).toEqual([]);
    expect(document.title).toContain(shop.truth().service);
    const report = await verify();
    expect(report.checks.filter((c) => c.verdict !== 'equal')).toEqual([]);
    expect(report.unbound).toEqual([]);
  });
  it('tells of each deviation its own numbers', async () => {
    const { document } = await get();
    const rows = document.content.flatMap((b) => (b.type === 'table' ? b.content : []));
    const told = rows.flatMap((row) => {
      const nodes = row.content?.[1]?.content[0]?.content ?? [];
      const figures = nodes.flatMap((node) => (node.type === 'figure' ? [node.attrs] : []));
      const [text] = nodes;
      return text?.type === 'text' && figures.length > 0 && row.content?.length === 3
        ? [{ text: text.text, sql: figures[0]?.sql ?? '' }]
        : [];
    });
    expect(told.length).toBeGreaterThan(2);
    // Two entries that say different things have different statements.
    expect(new Set(told.map(({ sql }) => sql)).size).toBe(new Set(told.map(({ text }) => text)).size);
    for (const { text, sql } of told) {
      if (text.includes('p95')) expect(sql).toContain('quantile_cont');
      if (text.includes('own time')) expect(sql).toContain('self_ns');
    }
  });
  it('is drafted once', async () => {
    const again = await rig.call(at('/draft'), { method: 'POST' });
    expect(again.status).toBe(409);
    expect(((await rig.json('/console/postmortems')) as { postmortems: unknown[] }).postmortems.length).toBe(1);
    expect((await rig.call('/console/postmortems/nothing/draft', { method: 'POST' })).status).toBe(404);
  });
  it('counts what the store counts', async () => {
    const { figures } = boundOf((await get()).document);
    const requests = figures.find((f) => f.column === 'requests') as Figure;
    const service = requests.label.split(':')[0] as string;
    const now = (await rig.json(`/console/incidents/${incident.id}`)) as Incident;
    expect(requests.sql).toContain(new Date(now.onsetMs).toISOString().slice(11, 23));
    expect(requests.sql).toContain(new Date(now.resolvedMs ?? 0).toISOString().slice(11, 23));
    const end = new Date(now.resolvedMs ?? 0).toISOString();
    const sql = `SELECT count(*) AS n FROM spans WHERE service = '${service}' AND (kind IN (2, 5) OR parent_span_id IS NULL)
      AND start_time >= TIMESTAMP_NS '${new Date(now.onsetMs).toISOString().replace('Z', '')}' AND start_time < TIMESTAMP_NS '${end.replace('Z', '')}'`;
    const table = await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql }) });
    expect(requests.value).toBe(Number(table.getChild('n')?.get(0)));
  });
  it('is edited as revisions; who saves on an old one is told', async () => {
    const { document } = await get();
    // Without what the incident cost, which takes longest to read and was read above: from here on everything is read ten times.
    const isCost = ({ sql }: Figure): boolean => sql.length > 6_000;
    const content = document.content.filter((block) => !boundOf({ ...document, content: [block] }).figures.some(isCost));
    expect(content.length).toBeLessThan(document.content.length);
    const mine = { ...document, content, title: 'Mine', status: 'in_review' };
    expect(await rig.post(at('/revisions'), { baseRevision: 1, editor: 'a', document: mine })).toMatchObject({ revision: 2 });
    const late = await rig.call(at('/revisions'), { method: 'POST', body: JSON.stringify({ baseRevision: 1, editor: 'b', document }) });
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({ error: { code: 'conflict', message: expect.stringContaining('Revision 2') } });
    await rig.restart();
    expect((await get()).document).toMatchObject({ title: 'Mine', status: 'in_review' });
    const { revisions } = (await rig.json(at('/revisions'))) as { revisions: Revision[] };
    expect(revisions.map((r) => r.revision)).toEqual([2, 1]);
    expect(((await rig.json(at('?revision=1'))) as Postmortem).document.title).toBe(document.title);
  });
  it.each([
    ['a wrong shape', { version: 1 }, 'Document, at'],
    ['another incident', 'other', 'is of incident "other"'],
  ])('refuses %s', async (_, change, says) => {
    const { document } = await get();
    const wrong = change === 'other' ? { ...document, incidentId: 'other' } : change;
    const answer = await rig.call(at('/revisions'), { method: 'POST', body: JSON.stringify({ baseRevision: 2, document: wrong }) });
    expect([answer.status, JSON.stringify(await answer.json())]).toEqual([400, expect.stringContaining(says.replaceAll('"', '\\"'))]);
  });
  it('says which number changed, from what to what, and which cannot be checked', async () => {
    const { document } = await get();
    const [first] = boundOf(document).figures as [Figure];
    const figure = (id: string, more: Partial<Figure>) => ({ type: 'figure', attrs: { ...first, id, ...more } });
    const figures = [
      figure('x1', { sql: 'SELECT 2 AS value', column: 'value', value: 1 }),
      figure('x2', { sql: 'SELECT 2 AS value', column: 'value', value: 2.1, absoluteTolerance: 0.2 }),
      figure('x3', { sql: 'SELECT 2 AS value', column: 'wrong', value: 2 }),
      figure('x4', { sql: 'DROP TABLE spans', column: 'value', value: 2 }),
      figure('x5', { sql: 'SELECT 1 AS value WHERE false', column: 'value', value: 1 }),
      figure('x6', { sql: 'SELECT count(*) AS value FROM range(100000000000)', column: 'value', value: 1, readAtMs: null }),
    ];
    // The limit of one statement, shorter: ten seconds of a busy processor would prove no more.
    const limits: { figureMs: number } = POSTMORTEM_LIMITS;
    const { figureMs } = limits;
    limits.figureMs = 700;
    const report = await verify({ ...document, content: [{ type: 'paragraph', attrs: { prompt: '' }, content: figures }] }).finally(() => {
      limits.figureMs = figureMs;
    });
    expect(report.checks.map(({ id, now, verdict, reason }) => [id, now, verdict, reason])).toEqual([
      ['x1', 2, 'changed', ''],
      ['x2', 2, 'equal', ''],
      ['x3', null, 'unverified', 'failed'],
      ['x4', null, 'unverified', 'refused'],
      ['x5', null, 'unverified', 'no_value'],
      ['x6', null, 'unverified', 'timeout'],
    ]);
  });
  it('reads one number for a new figure, or says why not', async () => {
    const read = await rig.post('/console/postmortems/figures', { sql: 'SELECT 1 AS a, count(*) AS spans FROM spans', column: 'spans' });
    expect(read).toMatchObject({ columns: ['a', 'spans'], column: 'spans', value: expect.any(Number) });
    const refused = await rig.call('/console/postmortems/figures', { method: 'POST', body: JSON.stringify({ sql: 'SELECT 1; SELECT 2' }) });
    expect(await refused.json()).toMatchObject({ error: { code: 'sql_refused' } });
  });
  it('is handed over as Markdown, as one HTML file that loads nothing, and as JSON of its schema', async () => {
    for (const format of ['md', 'html', 'json'] as const) {
      const answer = await rig.call(at(`/export?format=${format}`));
      const file = await answer.text();
      expect(answer.headers.get('x-unverified')).toBe('0');
      expect(file).toContain('Mine');
      if (format === 'json') expect(postmortemFileSchema.parse(JSON.parse(file)).incident.id).toBe(incident.id);
      if (format !== 'html') continue;
      expect(file).toContain("default-src 'none'");
      expect(file).not.toMatch(/<script|<link|<img|<iframe|@import|url\(/i);
    }
  });
  it('comes from the command line; list names it; 1 and a hint where there is none', async () => {
    const { code, out } = await cli(incident.id);
    expect([code, out.split('\n')[0]]).toEqual([0, '# Mine']);
    const list = await cli('list', '--json');
    expect(JSON.parse(list.out)).toMatchObject([{ incidentId: incident.id, title: 'Mine', revision: 2 }]);
    expect(await cli('none')).toEqual({
      code: 1,
      out: '',
      said: 'faultline: There is no postmortem of incident "none". --draft writes one where there is such an incident (faultline incidents).\n',
    });
    // A draft never takes the place of what people wrote.
    expect((await cli(incident.id, '--draft', 'zh')).out.split('\n')[0]).toBe('# Mine');
    expect((await cli(incident.id, '--format', 'pdf')).code).toBe(2);
  });
  it('says that it cannot be checked once the data is gone', async () => {
    clockMs += 9 * 86_400_000;
    expect((await rig.running.engine.store.enforceRetention(clockMs)).length).toBeGreaterThan(0);
    const report = await verify();
    const telemetry = report.checks.filter(({ sql }: Check) => / FROM spans| FROM logs| FROM samples/.test(sql));
    expect(telemetry.length).toBeGreaterThan(15);
    expect([...new Set(telemetry.map(({ verdict, reason }) => `${verdict} ${reason}`))]).toEqual(['unverified pruned']);
    expect(telemetry[0]?.says).toMatch(/^Data of \d{4}-\d\d-\d\d was removed \(older than the retention\) at /);
    // What the incident itself says is still there.
    expect(report.counts.equal).toBeGreaterThan(0);
    expect((await rig.call(at('/export?format=html'))).headers.get('x-unverified')).toBe(String(report.counts.unverified));
    const { code, out, said } = await cli(incident.id);
    expect([code, said]).toEqual([3, expect.stringContaining(`${report.counts.unverified} numbers changed or could not be checked`)]);
    expect(out).toContain('NOT CHECKED: its data was removed since');
  });
});

it('the statement of a figure meets the same limit of memory as one of the SQL screen', async () => {
  const small = await openRig({ limits: { ...limitsSchema.parse(undefined), maxEngineBytes: 1 } });
  try {
    for (const path of ['/console/query/sql', '/console/postmortems/figures']) {
      const answer = await small.call(path, { method: 'POST', body: JSON.stringify({ sql: 'SELECT 1 AS value' }) });
      expect([answer.status, await answer.text()], path).toEqual([400, expect.stringContaining('no memory for a query')]);
    }
  } finally {
    await small.close();
  }
});

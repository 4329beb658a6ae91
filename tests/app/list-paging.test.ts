import { type Table, tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

const START_MS = Math.floor((Date.now() - 600_000) / 1_000) * 1_000;
const RANGE = `start=${START_MS - 1_000}&end=${START_MS + 100_000}`;
const nano = (ms: number): string => `${ms}000000`;
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'paged' } }] };

/** 90 records: 60 of one time, of which 20 are equal in all; the rest of three times. */
const logRecords = Array.from({ length: 90 }, (_, i) => ({
  timeUnixNano: nano(i < 60 ? START_MS : START_MS + 1 + (i % 3)),
  severityNumber: 9,
  body: { stringValue: i < 20 ? 'the same' : `line ${i}` },
}));
/** 30 traces of one start time, one of 300 spans that begin after them, and five older ones; every third has failed. */
const spans = [...Array(30).keys(), ...Array(300).fill(100), ...[1_001, 1_002, 1_003, 1_004, 1_005]].map((trace, i) => ({
  traceId: hex(trace + 1, 32),
  spanId: hex(i + 1, 16),
  name: 'GET /',
  kind: 2,
  startTimeUnixNano: nano(trace >= 1_000 ? START_MS - (trace - 1_000) : trace === 100 ? START_MS + 10 + i : START_MS),
  endTimeUnixNano: nano(START_MS + 1_000 + (i % 4)),
  status: trace % 3 === 0 ? { code: 2 } : {},
}));

describe('a list page by page', () => {
  let faultline: FaultlineProcess;
  async function send(signal: string, body: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${faultline.ingest}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  }
  const table = async (path: string): Promise<Table> => {
    const answer = await faultline.fetch(path);
    if (!answer.ok) throw new Error(await answer.text());
    return tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
  };
  /** Column values of all pages, the last of which is empty. */
  async function pages(path: string, column: string, cursorOf: (rows: Record<string, unknown>[]) => string): Promise<unknown[]> {
    const rows: Record<string, unknown>[] = [];
    for (let turn = 0; turn < 200; turn++) {
      const after = rows.length === 0 ? '' : `&after=${cursorOf(rows)}`;
      const page = await table(`${path}${after}`);
      if (page.numRows === 0) return rows.map((row) => row[column]);
      const times = page.getChild('time')?.data.flatMap((data) => [...(data.values as BigInt64Array).subarray(0, data.length)]);
      rows.push(...page.toArray().map((row, i) => ({ ...row.toJSON(), nano: times?.[i] })));
    }
    throw new Error('the pages have no end');
  }
  const logCursor = (rows: Record<string, unknown>[]): string => {
    const last = rows.at(-1)?.['nano'];
    return `${String(last)}.${rows.filter((row) => row['nano'] === last).length}`;
  };
  beforeAll(async () => {
    faultline = await startFaultline({ args: ['--no-ui'] });
    await send('logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords: logRecords.slice(0, 45) }] }] });
    await send('logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords: logRecords.slice(45) }] }] });
    await send('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
    await faultline.flush();
  });
  afterAll(() => faultline?.stop());

  it.each([1, 7, 59, 60, 61, 500])(
    'logs, %i at a time: every record once, newest first, also where times and contents are equal',
    async (limit) => {
      const bodies = await pages(`/console/logs?${RANGE}&limit=${limit}`, 'body', logCursor);
      expect([...bodies].sort()).toEqual(logRecords.map((record) => record.body.stringValue).sort());
      expect(bodies.slice(0, 10).every((body) => Number(String(body).slice(5)) >= 60)).toBe(true);
    },
  );
  it.each(['newest', 'slowest', 'errors'])(
    'traces by %s, 4 at a time: every trace once, the best ones first, whatever its spans',
    async (order) => {
      const path = `/console/traces?${RANGE}&order=${order}`;
      const ids = await pages(`${path}&limit=4`, 'trace_id', (rows) => String(rows.at(-1)?.['cursor']));
      expect(new Set(ids).size).toBe(36);
      const whole = await table(`${path}&limit=1000`);
      const all = Array.from({ length: whole.numRows }, (_, i) => String(whole.getChild('trace_id')?.get(i)));
      expect([...ids].sort()).toEqual(all.sort());
      const older = new Set(spans.filter((span) => Number.parseInt(span.traceId, 16) > 1_000).map((span) => span.traceId));
      if (order === 'newest') expect(ids.slice(-5).every((id) => older.has(String(id)))).toBe(true);
    },
  );
  it('failed traces come first when errors are asked for', async () => {
    const list = await table(`/console/traces?${RANGE}&order=errors&limit=100`);
    const failed = Array.from({ length: list.numRows }, (_, i) => Number(list.getChild('errors')?.get(i)) > 0);
    expect(failed.indexOf(false)).toBe(new Set(spans.filter((span) => span.status.code === 2).map((span) => span.traceId)).size);
    expect(failed.slice(failed.indexOf(false)).includes(true)).toBe(false);
  });
  it('counts the traces of a search', async () => {
    const count = async (more: string): Promise<unknown> => (await faultline.fetch(`/console/traces/count?${RANGE}${more}`)).json();
    expect(await count('')).toEqual({ traces: 36 });
    expect(await count('&status=error')).toEqual({ traces: 12 });
  });
  it.each([
    ['logs', 'nonsense'],
    ['logs', '1.2.3'],
    ['traces', '2.5.5b8efff798038103d269b633813fc60c'],
    ['traces', '1.5.xyz'],
  ])('%s after=%s is refused', async (list, after) => {
    const answer = await faultline.fetch(`/console/${list}?${RANGE}&after=${after}`);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('is not the place of a row')]);
  });
});

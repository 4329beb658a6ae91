import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExactFilter, writeFilters } from '#contracts/exact-filter.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

const NOW_MS = Date.now() - 60_000;
const RANGE = `start=${NOW_MS - 10_000}&end=${NOW_MS + 10_000}`;
/** Two of everything, alike but not equal. */
const VALUES: Readonly<Record<string, readonly [unknown, unknown]>> = {
  text: [{ stringValue: 'a' }, { stringValue: 'ab' }],
  quoted: [{ stringValue: "it's, 100 % = \u201cso\u201d" }, { stringValue: 'its' }],
  integer: [{ intValue: '9007199254740993' }, { intValue: '9007199254740992' }],
  number: [{ doubleValue: 1 }, { doubleValue: 1.5 }],
  truth: [{ boolValue: true }, { boolValue: false }],
  list: [{ arrayValue: { values: [{ intValue: '1' }, { stringValue: 'x' }] } }, { arrayValue: { values: [] } }],
  'http.request.method': [{ stringValue: 'GET' }, { stringValue: 'POST' }],
  'http.response.status_code': [{ intValue: '200' }, { intValue: '500' }],
};
const attributes = (which: 0 | 1) => Object.entries(VALUES).map(([key, values]) => ({ key, value: values[which] }));
const resource = (which: 0 | 1) => ({
  attributes: [
    { key: 'service.name', value: { stringValue: `service-${which}` } },
    { key: 'host.name', value: { stringValue: `host-${which}` } },
  ],
});
const nano = `${NOW_MS}000000`;
const span = (which: 0 | 1) => ({
  traceId: `${which + 1}`.repeat(32),
  spanId: `${which + 1}`.repeat(16),
  name: `name-${which}`,
  kind: 2,
  startTimeUnixNano: nano,
  endTimeUnixNano: nano,
  attributes: attributes(which),
});
const record = (which: 0 | 1) => ({ timeUnixNano: nano, body: { stringValue: `body ${which}` }, attributes: attributes(which) });

/** What the detail of a row shows is what a filter takes, for every type of value. */
describe('filters to one value', () => {
  let faultline: FaultlineProcess;
  async function send(signal: string, body: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${faultline.ingest}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  }
  async function rows(path: string): Promise<Record<string, unknown>[]> {
    const answer = await faultline.fetch(path);
    if (!answer.ok) throw new Error(await answer.text());
    return tableFromIPC(new Uint8Array(await answer.arrayBuffer()))
      .toArray()
      .map((row) => row.toJSON());
  }
  const find = (list: 'traces' | 'logs', ...filters: ExactFilter[]): Promise<Record<string, unknown>[]> =>
    rows(`/console/${list}?${RANGE}&where=${encodeURIComponent(writeFilters(filters))}`);
  const both = [0, 1] as const;
  beforeAll(async () => {
    faultline = await startFaultline({ args: ['--no-ui'] });
    await send('traces', { resourceSpans: both.map((w) => ({ resource: resource(w), scopeSpans: [{ spans: [span(w)] }] })) });
    await send('logs', { resourceLogs: both.map((w) => ({ resource: resource(w), scopeLogs: [{ logRecords: [record(w)] }] })) });
    await faultline.flush();
  });
  afterAll(() => faultline?.stop());

  /** The value as the page reads it from the JSON of the row. */
  async function shownValue(list: 'traces' | 'logs', key: string): Promise<string> {
    const path = list === 'traces' ? `/console/traces/${'1'.repeat(32)}` : `/console/logs?${RANGE}&q=%22body%200%22`;
    const json = String((await rows(path))[0]?.['attributes_json']);
    // The page's own reader needs the page's types; the source of a number is what it shows (renderer/lib/attributes.ts).
    let source = '';
    JSON.parse(json, ((name: string, value: unknown, context?: { source?: string }) => {
      if (name === key) source = typeof value === 'string' ? value : (context?.source ?? JSON.stringify(value));
      return value;
    }) as (name: string, value: unknown) => unknown);
    return source;
  }
  it.each(['traces', 'logs'] as const)('%s by each attribute, to it and without it', async (list) => {
    for (const key of Object.keys(VALUES)) {
      const value = await shownValue(list, key);
      for (const exclude of [false, true]) {
        const found = await find(list, { scope: 'attribute', key, value, exclude });
        const names = found.map((row) => row['root_name'] ?? row['body']);
        expect([key, value, exclude, names]).toEqual([
          key,
          value,
          exclude,
          [list === 'traces' ? `name-${Number(exclude)}` : `body ${Number(exclude)}`],
        ]);
      }
    }
  });
  it.each(['traces', 'logs'] as const)('%s by resource, field, and all at once', async (list) => {
    const host: ExactFilter = { scope: 'resource', key: 'host.name', value: 'host-1', exclude: false };
    const field: ExactFilter = { scope: 'field', key: 'service', value: 'service-1', exclude: false };
    expect(await find(list, host)).toHaveLength(1);
    expect(await find(list, field, host)).toHaveLength(1);
    expect(await find(list, field, { ...host, exclude: true })).toHaveLength(0);
    expect(await find(list, { ...field, key: 'nowhere', scope: 'attribute', exclude: true })).toHaveLength(2);
  });
  it('the histogram and the count take the same filters', async () => {
    const where = encodeURIComponent(writeFilters([{ scope: 'attribute', key: 'text', value: 'a', exclude: false }]));
    expect((await rows(`/console/logs/histogram?${RANGE}&where=${where}`)).map((row) => row['count'])).toEqual([1]);
    expect(await (await faultline.fetch(`/console/traces/count?${RANGE}&where=${where}`)).json()).toEqual({ traces: 1 });
  });
  it.each([['nonsense'], ['field:attributes=1'], ['field:1%3D1%20OR%201=1']])('%s is refused', async (where) => {
    expect((await faultline.fetch(`/console/logs?${RANGE}&where=${encodeURIComponent(where)}`)).status).toBe(400);
  });
});

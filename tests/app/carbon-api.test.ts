import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { type CarbonAnswer, carbonAnswerSchema, carbonSettingsAnswerSchema } from '#contracts/carbon.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { openRig, type Rig } from './engine-rig.ts';

/** Two nodes, three services, half an hour of OTLP metrics every 15 s, 300 requests: emissions through the API. */
const END_MS = Date.UTC(2026, 10, 21, 12, 0, 0);
const START_MS = END_MS - 1_800_000;
const limits = limitsSchema.parse(undefined);
const attributes = (from: Record<string, string>) => Object.entries(from).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const gauge = (name: string, atMs: number, value: number) => ({
  name,
  gauge: { dataPoints: [{ timeUnixNano: `${atMs}000000`, asDouble: value }] },
});
const GIB = 1024 ** 3;
const NODES = [
  { 'host.name': 'node-a', 'cloud.provider': 'aws', 'cloud.region': 'eu-central-1', 'host.type': 'm5.xlarge' },
  { 'host.name': 'node-b' },
];
const SERVICES = [
  { name: 'cart', host: 'node-a', cores: 0.5 },
  { name: 'checkout', host: 'node-a', cores: 1 },
  { name: 'mail', host: 'node-b', cores: 0.25 },
];

let rig: Rig;
const send = (signal: 'metrics' | 'traces', json: unknown): Promise<void> =>
  rig.append(signal, transcodeJson(signal, Buffer.from(JSON.stringify(json)), limits));
const window = `start=${START_MS}&end=${END_MS}`;
const carbon = async (query = window): Promise<CarbonAnswer> => carbonAnswerSchema.parse(await rig.json(`/console/carbon?${query}`));
const near = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(b)));

beforeAll(async () => {
  rig = await openRig();
  for (let atMs = START_MS - 60_000; atMs <= END_MS; atMs += 15_000) {
    const hosts = NODES.map((node) => ({
      resource: { attributes: attributes(node as Record<string, string>) },
      scopeMetrics: [
        {
          metrics: [
            gauge('system.cpu.logical.count', atMs, 4),
            gauge('system.memory.limit', atMs, 16 * GIB),
            ...(node['host.name'] === 'node-a' ? [gauge('system.cpu.utilization', atMs, 0.5)] : []),
          ],
        },
      ],
    }));
    const services = SERVICES.map((service) => ({
      resource: { attributes: attributes({ 'service.name': service.name, 'host.name': service.host }) },
      scopeMetrics: [{ metrics: [gauge('container.cpu.usage', atMs, service.cores), gauge('container.memory.usage', atMs, GIB)] }],
    }));
    await send('metrics', { resourceMetrics: [...hosts, ...services] });
  }
  const spans = Array.from({ length: 300 }, (_, i) => ({
    traceId: (i + 1).toString(16).padStart(32, '0'),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    name: 'GET /cart',
    kind: 2,
    startTimeUnixNano: `${START_MS + i * 5_000}000000`,
    endTimeUnixNano: `${START_MS + i * 5_000 + 20}000000`,
  }));
  await send('traces', {
    resourceSpans: [{ resource: { attributes: attributes({ 'service.name': 'cart', 'host.name': 'node-a' }) }, scopeSpans: [{ spans }] }],
  });
  await rig.flush();
});
afterAll(() => rig.close());

describe('emissions of a window', () => {
  it('services + unattributed + idle = total, at every end and in every cell', async () => {
    const answer = await carbon(`${window}&step=300000`);
    expect(answer.services.map((each) => each.service)).toEqual(
      ['checkout', 'cart', 'mail'].sort((a, b) => gramsOf(answer, b) - gramsOf(answer, a)),
    );
    for (const end of ['low', 'mid', 'high'] as const) {
      const parts = answer.services.reduce((sum, each) => sum + each.emissions[end], 0);
      near(parts, answer.allocated[end]);
      near(parts + answer.idle[end] + answer.unattributed[end], answer.total[end]);
    }
    expect(answer.times.length).toBe(6);
    for (const [i] of answer.times.entries()) {
      const parts = answer.services.reduce((sum, each) => sum + (each.cells[i] ?? 0), 0);
      near(parts + (answer.idleCells[i] ?? 0) + (answer.unattributedCells[i] ?? 0), answer.totalCells[i]?.mid ?? Number.NaN);
    }
  });
  it('is what the model says of half an hour of cart', async () => {
    const cart = (await carbon()).services.find((each) => each.service === 'cart')!;
    const node = (await carbon()).nodes.find((each) => each.node === 'node-a')!;
    expect([node.intensity.mid, node.pue.mid]).toEqual([338, 1.35]);
    // 0.5 cores and 1 GiB for half an hour on m5: Skylake 75.1 GB per chip of 96 vCPU.
    const beside = 0.5 * (1 - (75.1 * 4) / 96 / 16);
    const kwh = ((0.613 * 0.25 + (node.maxWatts.mid - 0.613) * 0.25) / 1000 + 0.000392 * beside) * 1.35;
    expect(cart.emissions.mid).toBeCloseTo(kwh * 338 + ((1_610_790 / 96) * 0.25) / 35_040, 3);
    expect(cart.requests).toBe(300);
    near(cart.perThousandRequests?.mid ?? 0, (cart.emissions.mid / 300) * 1000);
    expect((await carbon()).services.find((each) => each.service === 'mail')?.perThousandRequests).toBeNull();
  });
  it('every figure carries a statement that runs as it stands', async () => {
    const answer = await carbon();
    const figures = [answer.total, answer.allocated, answer.idle, answer.unattributed, ...answer.services.map((each) => each.emissions)];
    for (const { query, formula } of figures) {
      const table = await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql: query }) });
      expect(table.numRows).toBeGreaterThan(0);
      expect(formula).toMatch(/E × I \+ M/);
    }
    const cart = answer.services.find((each) => each.service === 'cart')!;
    const [row] = (
      await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql: cart.emissions.query }) })
    ).toArray();
    expect(row?.toJSON()).toMatchObject({ service: 'cart', node: 'node-a', reserved_vcpu_hours: expect.closeTo(0.25, 6) });
    expect(cart.emissions.formula).toContain('× 0.25 vCPU·h');
    const requests = await rig.table('/console/query/sql', {
      method: 'POST',
      body: JSON.stringify({ sql: cart.perThousandRequests?.query }),
    });
    expect(requests.toArray().map((each) => each.toJSON())).toEqual([{ service: 'cart', requests: 300 }]);
  });
  it('what is unknown widens the range and says so', async () => {
    const answer = await carbon();
    const codes = answer.assumptions.map((each) => each.code);
    expect(codes).toEqual(
      expect.arrayContaining(['region_unknown', 'instance_unknown', 'utilization_unknown', 'yearly_average', 'not_measured']),
    );
    expect(answer.assumptions.find((each) => each.code === 'region_unknown')?.about).toEqual(['node-b']);
    const mail = answer.services.find((each) => each.service === 'mail')!;
    expect(mail.emissions.high / mail.emissions.low).toBeGreaterThan(3);
  });
  it('an empty window says what is missing and what to send', async () => {
    const answer = await carbon('start=1000000&end=4600000');
    expect(answer.missing.map((each) => each.code)).toEqual(['no_nodes', 'no_usage']);
    expect(answer.total.mid).toBe(0);
    expect(answer.missing.every((each) => each.todo !== '')).toBe(true);
  });
});
const gramsOf = (answer: CarbonAnswer, service: string): number =>
  answer.services.find((each) => each.service === service)?.emissions.mid ?? 0;

describe('what a person knows better', () => {
  it('a region and a factor narrow the range, survive a restart, and can be taken back', async () => {
    const before = await carbon();
    await rig.post('/console/carbon/settings', { provider: 'azure', region: 'West Europe', gramsPerKwh: 100 });
    await rig.restart();
    const settings = carbonSettingsAnswerSchema.parse(await rig.json('/console/carbon/settings'));
    expect([settings.provider, settings.region, settings.gramsPerKwh, settings.pue]).toEqual(['azure', 'westeurope', 100, null]);
    const after = await carbon();
    const node = after.nodes.find((each) => each.node === 'node-b')!;
    expect([node.region, node.intensity.low, node.intensity.high, node.pue.mid]).toEqual(['westeurope', 100, 100, 1.14]);
    expect(after.total.high).toBeLessThan(before.total.high);
    expect(after.assumptions.map((each) => each.code)).not.toContain('region_unknown');
    await rig.post('/console/carbon/settings', {});
    expect((await carbon()).total).toEqual(before.total);
  });
  it.each([{ pue: 0.5 }, { gramsPerKwh: -1 }, { provider: 'moon' }, { region: 7 }, { planet: 'earth' }])('%j is refused', async (body) => {
    const answer = await rig.call('/console/carbon/settings', { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('bad_request');
  });
});
describe('bad questions', () => {
  it.each(['start=5&end=5', 'start=abc&end=9', 'end=9'])('%s', async (query) =>
    expect((await rig.call(`/console/carbon?${query}`)).status).toBe(400),
  );
  it('an incident nobody knows', async () => expect((await rig.call('/console/carbon/incident/none')).status).toBe(404));
  it('a month in steps of a second stays an answer of bounded size', async () =>
    expect((await carbon(`start=${END_MS - 30 * 86_400_000}&end=${END_MS}&step=1000`)).times.length).toBeLessThanOrEqual(400));
});
it('is described', async () => {
  const { paths } = (await rig.json('/console/openapi.json')) as { paths: Record<string, unknown> };
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/console/carbon', '/console/carbon/incident/{id}', '/console/carbon/settings']),
  );
});

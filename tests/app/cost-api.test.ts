import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { type ImportResult, importResultSchema } from '#contracts/console-api.ts';
import {
  billListSchema,
  type CostAnswer,
  type CostLedger,
  costAnswerSchema,
  type Figure,
  incidentCostSchema,
  priceListSchema,
} from '#contracts/cost.ts';
import type { Incident } from '#contracts/judgement.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { openRig, type Rig } from './engine-rig.ts';

/** Two nodes, three services, an hour of OTLP metrics, a bill: costs through the API, by hand and by the figures' own statements. */
const END_MS = Date.UTC(2026, 10, 21, 12);
const START_MS = END_MS - 3_600_000;
const limits = limitsSchema.parse(undefined);
const GIB = 1024 ** 3;
const attributes = (from: Record<string, string>) => Object.entries(from).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const gauge = (name: string, atMs: number, value: number) => ({
  name,
  gauge: { dataPoints: [{ timeUnixNano: `${atMs}000000`, asDouble: value }] },
});
const NODES = [
  { 'host.name': 'node-a', 'host.id': 'i-0a', 'cloud.provider': 'aws', 'cloud.region': 'eu-west-1', 'host.type': 'm6i.xlarge' },
  { 'host.name': 'node-b' },
];
const SERVICES = [
  { name: 'cart', host: 'node-a', cores: 0.5, asked: 1 },
  { name: 'checkout', host: 'node-a', cores: 1, asked: 0.25 },
  { name: 'mail', host: 'node-b', cores: 0.25, asked: 0 },
];
let rig: Rig;
const range = `start=${START_MS}&end=${END_MS}`;
const cost = async (query = range): Promise<CostAnswer> => costAnswerSchema.parse(await rig.json(`/console/cost?${query}`));
const ledgerOf = (answer: CostAnswer, currency = 'USD'): CostLedger => answer.ledgers.find((each) => each.currency === currency)!;
const serviceOf = (ledger: CostLedger, name: string) => ledger.services.find((each) => each.service === name)!;
/** Decimal text as a whole number of 1e-18. */
const atto = (text: string): bigint => {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!;
  return BigInt(`${sign}${whole}${fraction.padEnd(18, '0')}`);
};
function checkLaw(ledger: CostLedger): void {
  const sum = (texts: readonly string[]) => texts.reduce((total, text) => total + atto(text), 0n);
  expect(sum(ledger.services.map((each) => each.cost.amount))).toBe(atto(ledger.allocated.amount));
  expect(atto(ledger.allocated.amount) + atto(ledger.idle.amount) + atto(ledger.unallocated.amount)).toBe(atto(ledger.total.amount));
  for (const [i, total] of ledger.totalCells.entries())
    expect(sum([...ledger.services.map((each) => each.cells[i]!), ledger.idleCells[i]!, ledger.unallocatedCells[i]!])).toBe(atto(total));
  expect(sum(ledger.totalCells)).toBe(atto(ledger.total.amount));
  expect(sum(ledger.unallocatedLines.map((line) => line.amount))).toBe(atto(ledger.unallocated.amount));
}
/** A figure's own statement, run as a user would, gives the figure. */
async function checkQueries(ledger: CostLedger): Promise<void> {
  const figures: Figure[] = [ledger.total, ledger.allocated, ledger.idle, ledger.unallocated, ...ledger.services.map((each) => each.cost)];
  for (const { query, amount } of figures) {
    const table = await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql: query }) });
    const value = Number(table.getChild('value')?.get(0));
    expect(Math.abs(value - Number(amount)), `${value} ${amount} ${query.slice(0, 100)}`).toBeLessThan(1e-9);
  }
}
const bring = async (name: string, body: string | Uint8Array): Promise<ImportResult> =>
  importResultSchema.parse(await rig.json(`/console/import?name=${encodeURIComponent(name)}`, { method: 'POST', body: body as string }));
const HEADER = 'BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ResourceId,ServiceName,Tags';
const day = '2026-11-21T00:00:00Z,2026-11-22T00:00:00Z';

beforeAll(async () => {
  rig = await openRig();
  for (let atMs = START_MS - 60_000; atMs <= END_MS; atMs += 30_000) {
    const hosts = NODES.map((node) => ({
      resource: { attributes: attributes(node as Record<string, string>) },
      scopeMetrics: [{ metrics: [gauge('system.cpu.logical.count', atMs, 4), gauge('system.memory.limit', atMs, 16 * GIB)] }],
    }));
    const services = SERVICES.map((service) => ({
      resource: { attributes: attributes({ 'service.name': service.name, 'host.name': service.host }) },
      scopeMetrics: [
        {
          metrics: [
            gauge('container.cpu.usage', atMs, service.cores),
            gauge('container.memory.usage', atMs, 2 * GIB),
            gauge('k8s.container.cpu_request', atMs, service.asked),
          ],
        },
      ],
    }));
    await rig.append(
      'metrics',
      transcodeJson('metrics', Buffer.from(JSON.stringify({ resourceMetrics: [...hosts, ...services] })), limits),
    );
  }
  await rig.flush();
});
afterAll(() => rig.close());

describe('with price lists', () => {
  it('charges max(request, usage) at the default rates, and says that they are', async () => {
    const answer = await cost();
    const ledger = ledgerOf(answer);
    checkLaw(ledger);
    expect(Number(serviceOf(ledger, 'cart').cost.amount)).toBeCloseTo(1 * 0.031611 + 2 * 0.004237, 9);
    expect(Number(serviceOf(ledger, 'checkout').cost.amount)).toBeCloseTo(1 * 0.031611 + 2 * 0.004237, 9);
    expect(Number(serviceOf(ledger, 'mail').cost.amount)).toBeCloseTo(0.25 * 0.031611 + 2 * 0.004237, 9);
    expect(Number(ledger.total.amount)).toBeCloseTo(2 * (4 * 0.031611 + 16 * 0.004237), 9);
    expect(ledger.unallocated.amount).toBe('0');
    expect(answer.missing.map(({ code }) => code)).toEqual(['no_bill', 'default_prices']);
    expect(serviceOf(ledger, 'cart').cost.formula).toContain('node-a: 1 core-h x 0.031611 + 2 GiB-h x 0.004237');
    await checkQueries(ledger);
  });
  it('keeps the law in every cell, and adds up over cells', async () => {
    const ledger = ledgerOf(await cost(`${range}&step=420000`));
    expect(ledger.totalCells).toHaveLength(9);
    checkLaw(ledger);
    await checkQueries(ledger);
    expect(Number(ledger.total.amount)).toBeCloseTo(Number(ledgerOf(await cost()).total.amount), 9);
  });
  it('lays idle on the services when asked to', async () => {
    const ledger = ledgerOf(await cost(`${range}&idle=shared&step=1200000`));
    checkLaw(ledger);
    await checkQueries(ledger);
    expect(ledger.idle.amount).toBe('0');
    // cart and checkout hold the same, so they share node-a by halves.
    expect(Number(serviceOf(ledger, 'cart').cost.amount)).toBeCloseTo(Number(serviceOf(ledger, 'checkout').cost.amount), 12);
  });
  it('takes an own price list over the default, by its most specific line, and refuses a bad one by line', async () => {
    const text =
      'instance_type,currency,cpu_core_hour,memory_gib_hour,from\n,EUR,0.02,0.002,2026-01-01\nm6i.xlarge,EUR,0.05,0.005,2026-01-01\nm6i.xlarge,EUR,9,9,2027-01-01\n';
    const bad = await rig.call('/console/cost/prices', {
      method: 'POST',
      body: JSON.stringify({ name: 'x', text: text.replace('0.02', 'two') }),
    });
    expect([bad.status, ((await bad.json()) as { error: { message: string } }).error.message]).toEqual([
      400,
      expect.stringContaining('line 2'),
    ]);
    const lists = priceListSchema.parse(await rig.post('/console/cost/prices', { name: 'ours.csv', text }));
    expect(lists.lists.map(({ kind, entries }) => [kind, entries.length])).toEqual([
      ['own_list', 3],
      ['shipped_list', 1],
    ]);
    const answer = await cost();
    expect(answer.nodes.map(({ node, source, cpuCoreHour }) => [node, source, cpuCoreHour])).toEqual([
      ['node-a', 'own_list', '0.05'],
      ['node-b', 'own_list', '0.02'],
    ]);
    expect(Number(serviceOf(ledgerOf(answer, 'EUR'), 'cart').cost.amount)).toBeCloseTo(0.05 + 0.01, 9);
    expect(answer.missing.map(({ code }) => code)).toEqual(['no_bill']);
    await rig.json('/console/cost/prices', { method: 'DELETE' });
    expect((await cost()).nodes[0]?.source).toBe('shipped_list');
  });
});

describe('with a bill', () => {
  const bill = [
    HEADER,
    `24,24,USD,${day},Usage,arn:aws:ec2:eu-west-1:1:instance/i-0a,Amazon EC2,`,
    `48,48,USD,${day},Usage,arn:aws:rds:eu-west-1:1:db/orders,Amazon RDS,"{""service"":""checkout""}"`,
    `2.4,2.4,USD,${day},Usage,bucket-1,Amazon S3,`,
    `12,12,EUR,${day},Usage,cdn,Bunny,`,
    `31,31,USD,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,Tax,,VAT,`,
  ].join('\n');
  it('is recognised by its header, whatever its name, and compressed', async () => {
    const result = await bring('november', gzipSync(bill));
    expect(result).toMatchObject({ format: 'focus-csv', refused: [], bill: { rows: 5, refusedRows: 0 } });
    expect((await bring('again.csv', gzipSync(bill))).bill?.alreadyThere).toBe(true);
    const list = billListSchema.parse(await rig.json('/console/cost/bills'));
    expect(list.bills.map((each) => each.name)).toEqual(['november']);
  });
  it('prices the node by it, names the rest, keeps currencies apart', async () => {
    const answer = await cost();
    const ledger = ledgerOf(answer);
    checkLaw(ledger);
    checkLaw(ledgerOf(answer, 'EUR'));
    expect(answer.nodes.map(({ node, source }) => [node, source])).toEqual([
      ['node-a', 'bill'],
      ['node-b', 'shipped_list'],
    ]);
    // One hour of a day of 24: node-a costs 1, the database 2, the bucket 0.1; of 30 days of tax an hour.
    const nodeB = 4 * 0.031611 + 16 * 0.004237;
    expect(Number(ledger.total.amount)).toBeCloseTo(1 + nodeB + 2 + 0.1 + 31 / 720, 9);
    expect(serviceOf(ledger, 'checkout').billed).toBe('2');
    expect(ledger.unallocatedLines).toEqual([
      { what: 'Amazon S3', reason: 'no_node', amount: '0.1' },
      { what: 'VAT', reason: 'overhead', amount: expect.stringMatching(/^0\.043055555/) },
    ]);
    expect(ledgerOf(answer, 'EUR').total.amount).toBe('0.5');
    expect(answer.missing.map(({ code }) => code)).toEqual(['default_prices']);
    await checkQueries(ledger);
    await checkQueries(ledgerOf(answer, 'EUR'));
  });
  it('counts a row once whose name and id both are of a node', async () => {
    const own = `start=${START_MS}&end=${END_MS}`;
    const before = Number(ledgerOf(await cost(own), 'JPY')?.total.amount ?? 0);
    const { bill: added } = await bring('named.csv', `${HEADER},ResourceName\n24,24,JPY,${day},Usage,arn:aws:x/i-0a,Amazon EC2,,node-a\n`);
    const ledger = ledgerOf(await cost(own), 'JPY');
    await rig.json(`/console/cost/bills/${added?.id}`, { method: 'DELETE' });
    expect([before, ledger.total.amount]).toEqual([0, '1']);
    checkLaw(ledger);
  });
  it('charges what was billed for a node outside of its telemetry to nobody', async () => {
    const ledger = ledgerOf(await cost(`start=${START_MS - 7_200_000}&end=${END_MS}&step=3600000`));
    checkLaw(ledger);
    expect(ledger.unallocatedLines.find((line) => line.what === 'node-a')).toMatchObject({ reason: 'not_measured' });
    await checkQueries(ledger);
  });
  it('tells a bad bill by line over the API', async () => {
    const result = await bring('bad.csv', `${HEADER}\nten,1,USD,${day},Usage,x,y,\n`);
    expect(result.refused).toEqual([{ line: 2, reason: 'not_a_number', message: expect.stringContaining('no FOCUS number') }]);
    expect((await bring('wrong.csv', 'a,b\n1,2\n')).refused[0]).toMatchObject({ line: null, reason: 'not_a_bill' });
  });
  it('leaves with a bill that is taken away', async () => {
    const { bills } = billListSchema.parse(await rig.json('/console/cost/bills'));
    for (const { id } of bills) await rig.json(`/console/cost/bills/${id}`, { method: 'DELETE' });
    expect((await cost()).missing.map(({ code }) => code)).toContain('no_bill');
    expect((await rig.call(`/console/cost/bills/${bills[0]?.id}`, { method: 'DELETE' })).status).toBe(404);
  });
});

describe('an incident', () => {
  it('costs what its services cost in its window, beside the same time before', async () => {
    const incident = {
      id: 'i-1',
      title: 'cart is slow',
      status: 'resolved',
      severity: 'major',
      openedMs: END_MS - 1_200_000,
      onsetMs: END_MS - 1_800_000,
      resolvedMs: END_MS - 600_000,
      acknowledgedMs: null,
      services: ['cart', 'mail', 'nowhere'],
      symptom: { service: 'cart', kind: 'latency' },
      anomalies: [],
      rca: null,
      timeline: [],
    } satisfies Incident;
    await rig.running.engine.store.saveIncident(incident);
    await rig.restart();
    const answer = incidentCostSchema.parse(await rig.json('/console/cost/incident/i-1'));
    expect(answer.window).toEqual({ start: END_MS - 1_800_000, end: END_MS - 600_000 });
    expect(answer.before).toEqual({ start: END_MS - 3_000_000, end: END_MS - 1_800_000 });
    const [ledger] = answer.ledgers;
    const third = (0.031611 + 0.25 * 0.031611 + 4 * 0.004237) / 3;
    expect(Number(ledger?.cost.amount)).toBeCloseTo(third, 9);
    expect(Number(ledger?.costBefore.amount)).toBeCloseTo(third, 9);
    expect(ledger?.services.map((each) => each.service)).toEqual(['cart', 'mail']);
    const table = await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql: ledger?.cost.query }) });
    expect(Number(table.getChild('value')?.get(0))).toBeCloseTo(third, 9);
    expect((await rig.call('/console/cost/incident/none')).status).toBe(404);
  });
});

describe('the API', () => {
  it('is in the OpenAPI document', async () => {
    const { paths } = (await rig.json('/console/openapi.json')) as { paths: Record<string, unknown> };
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/console/cost', '/console/cost/incident/{id}', '/console/cost/bills', '/console/cost/prices']),
    );
  });
  it('refuses a window that ends before it starts', async () => {
    expect((await rig.call(`/console/cost?start=${END_MS}&end=${START_MS}`)).status).toBe(400);
  });
  const sample = join(
    process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../shared/data'),
    'focus/focus_1.0_sample_1000.csv.gz',
  );
  it.runIf(existsSync(sample))(
    'lays a public bill of 1,000 rows on nobody, to the last digit (skipped without ../shared/data)',
    async () => {
      const { bill } = await bring('sample.csv.gz', readFileSync(sample));
      const answer = await cost(`start=${bill?.startMs}&end=${bill?.endMs}&step=86400000`);
      const ledger = ledgerOf(answer);
      checkLaw(ledger);
      expect(atto(ledger.total.amount)).toBe(atto(bill?.totals[0]?.effective ?? ''));
    },
  );
});

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatAmount, parseAmount, sumOf } from '#analytics/cost/money.ts';
import type { Bill } from '#contracts/cost.ts';
import { tempLimitBytes } from '../database/temp-space.ts';
import { readBilled } from '../read/read-prices.ts';
import { TestStore } from '../test-store.ts';

const FIXTURES = join(import.meta.dirname, '../../tests/fixtures/focus');
/** All of the public bills, where ../shared/data is at hand. */
const SHARED = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'focus');
let t: TestStore;
beforeEach(async () => {
  t = new TestStore();
  await t.open();
});
afterEach(() => t.end());

function take(content: string | Uint8Array, name = 'bill.csv'): Promise<Bill> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const path = join(t.dataDir, 'incoming');
  writeFileSync(path, bytes);
  return t.store.importBill({ path, name, sha256: createHash('sha256').update(bytes).digest('hex') });
}
const fixture = (name: string) => readFileSync(join(FIXTURES, name));
const codes = (bill: Bill) => bill.problems.map(({ code, line }) => (line === null ? code : `${line} ${code}`));
const HEADER = 'BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory';
const row = (cost: string, currency = 'USD', start = '2026-10-01', end = '2026-10-02') =>
  `${cost},${cost},${currency},${start}T00:00:00Z,${end}T00:00:00Z,Usage`;
const csv = (...rows: string[]) => `${[HEADER, ...rows].join('\n')}\n`;
/** Problems of the rows alone: these small bills lack most mandatory columns. */
const rowProblems = (bill: Bill) => codes(bill).filter((code) => code !== 'missing_columns');

describe('what is read', () => {
  it.each([
    ['aws-1.3.csv', '1.3', 'AWS', 20],
    ['azure-1.2.csv', '1.2', 'Microsoft', 20],
    ['sample-1.0.csv', '1.0', 'Microsoft', 15],
  ])('%s: version, provider, all rows', async (name, version, provider, rows) => {
    const bill = await take(fixture(name));
    expect(bill).toMatchObject({ focusVersion: version, rows, refusedRows: 0, repeatedRows: 0 });
    expect(bill.provider).toContain(provider.slice(0, 3));
    expect(Number((await t.one('SELECT count(*) AS n FROM bill'))['n'])).toBe(rows);
  });
  it('keeps amounts exactly: the sum of the text is the sum of the table', async () => {
    const bill = await take(fixture('sample-1.0.csv'));
    const [head, ...lines] = fixture('sample-1.0.csv').toString().trim().split('\n');
    const at = head!.replaceAll('"', '').split(',').indexOf('BilledCost');
    const sum = sumOf(lines.map((line) => parseAmount(line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)![at]!.replace(/[",]/g, ''))));
    expect(formatAmount(parseAmount(bill.totals[0]!.billed))).toBe(formatAmount(sum));
  });
  it('adds 0.1 a thousand times over without drifting', async () => {
    await take(
      csv(...Array.from({ length: 1000 }, (_, i) => row('0.1', 'USD', '2026-10-01', `2026-10-${String(2 + (i % 20)).padStart(2, '0')}`))),
    );
    expect(await t.one('SELECT sum(billed_cost)::VARCHAR AS s FROM bill')).toEqual({ s: '100.000000000000000000' });
  });
  it('reads a byte order mark, CRLF, semicolons, literal NULL, quotes with line breaks', async () => {
    const text =
      `\uFEFF${HEADER};x_note\r\n`.replaceAll(',', ';') +
      '1.5;NULL;"EUR";2026-10-01 00:00:00;2026-10-02 00:00:00;Usage;"a ""b""\r\nc"\r\n2;2;EUR;2026-10-01;2026-10-02;Usage;NULL\r\n';
    const bill = await take(text);
    expect(bill.totals).toEqual([{ currency: 'EUR', rows: 2, billed: '3.500000000000000000', effective: '3.500000000000000000' }]);
    expect(rowProblems(bill)).toEqual(['2 cost_from_billed']);
    expect(await t.one("SELECT other['x_note'] AS note, line::INTEGER AS line FROM bill ORDER BY line")).toEqual({
      note: 'a "b"\r\nc',
      line: 2,
    });
  });
  it.each([
    ['gzip', (text: string) => gzipSync(text)],
    ['zstd', (text: string) => zstdCompressSync(text)],
  ])('%s', async (_, pack) => expect((await take(pack(csv(row('1'), row('2'))))).rows).toBe(2));
  it('keeps columns of its own kind under their names, and tags as a map', async () => {
    await take(fixture('aws-1.3.csv'));
    const first = await t.one(
      "SELECT tags['Environment'] AS env, other['InvoiceId'] AS invoice, service_provider_name AS p FROM bill ORDER BY line",
    );
    expect(first).toEqual({ env: 'prod', invoice: 'INV-2026-05-0001', p: 'AWS' });
  });
  it('is a view a user may read, also before there is a bill', async () => {
    await expect(t.store.userQuery('SELECT * FROM bill')).resolves.toMatchObject({ rowCount: 0 });
    await take(csv(row('1')));
    await expect(t.store.userQuery('SELECT sum(effective_cost) FROM bill')).resolves.toMatchObject({ rowCount: 1 });
  });
  it.runIf(existsSync(SHARED))('every public bill: golden and sample rows without a refusal (skipped without ../shared/data)', async () => {
    const golden = readdirSync(join(SHARED, 'golden')).filter((name) => name.includes('cost_and_usage'));
    for (const name of golden) {
      const bill = await take(readFileSync(join(SHARED, 'golden', name)), name);
      expect([bill.rows, bill.refusedRows, codes(bill).filter((c) => c !== 'overlapping_period')], name).toEqual([100, 0, []]);
    }
    expect(await take(readFileSync(join(SHARED, 'focus_1.0_sample_1000.csv.gz')))).toMatchObject({ rows: 1000, refusedRows: 0 });
    for (const name of readdirSync(join(SHARED, 'spec_v1.2_examples'))) {
      const bill = await take(readFileSync(join(SHARED, 'spec_v1.2_examples', name)), name);
      expect(bill.rows + bill.refusedRows, `${name} ${codes(bill).join(' ')}`).toBeGreaterThan(0);
    }
  });
});

describe('the same charge twice', () => {
  it('does not double a file that comes again, whatever its name', async () => {
    const first = await take(fixture('aws-1.3.csv'), 'a.csv');
    expect(await take(fixture('aws-1.3.csv'), 'b.csv')).toEqual({ ...first, alreadyThere: true });
    expect(await t.store.bills()).toHaveLength(1);
  });
  it('adds from an overlapping file only the rows that are new, and says so', async () => {
    await take(csv(row('1'), row('1'), row('2')), 'week.csv');
    const bill = await take(csv(row('1'), row('1'), row('1'), row('2'), row('3')), 'month.csv');
    expect(bill).toMatchObject({ rows: 2, repeatedRows: 3 });
    expect(rowProblems(bill)).toEqual(['overlapping_period', 'repeated_rows']);
    expect(await t.one('SELECT sum(billed_cost)::VARCHAR AS s FROM bill')).toEqual({ s: '8.000000000000000000' });
  });
  it('takes a correction as a row of its own', async () => {
    const head = `${HEADER},ChargeClass`;
    await take(`${head}\n${row('100')},\n`);
    await take(`${head}\n${row('-30')},Correction\n`);
    expect(await t.one('SELECT sum(billed_cost)::VARCHAR AS s FROM bill')).toEqual({ s: '70.000000000000000000' });
  });
  it('takes a bill away with its rows', async () => {
    const bill = await take(csv(row('1')));
    await t.store.removeBill(bill.id);
    expect([await t.count('bill'), await t.store.bills()]).toEqual([0, []]);
    await expect(t.store.removeBill(bill.id)).rejects.toMatchObject({ code: 'not_found' });
    expect((await take(csv(row('1')))).rows).toBe(1);
  });
});

it('a part of the bills is not passed off for all of them', async () => {
  await take(csv(row('1'), row('2', 'EUR'), row('4', 'JPY')));
  const window = { startMs: Date.UTC(2026, 9, 1), endMs: Date.UTC(2026, 9, 2), stepMs: 3_600_000 };
  expect(await readBilled(t.store, window, { maxRows: 3 })).toHaveLength(3);
  await expect(readBilled(t.store, window, { maxRows: 2 })).rejects.toMatchObject({ code: 'answer_too_long' });
});
describe('what is wrong', () => {
  it('keeps currencies apart and never adds them', async () => {
    const bill = await take(csv(row('1', 'USD'), row('2', 'EUR'), row('4', 'usd'), row('8', 'NULL')));
    expect(bill.totals.map(({ currency, billed }) => [currency, Number(billed)])).toEqual([
      ['USD', 5],
      ['EUR', 2],
      ['XXX', 8],
    ]);
    expect(rowProblems(bill)).toEqual(['mixed_currencies', '5 missing_currency']);
  });
  it.each(['3,432,342', '+333', 'abc', '35.2E+7', '1.5E+3', '35.24 x 10^7', '2.3^3'])('refuses "%s" as an amount, by line', async (bad) => {
    const bill = await take(csv(row('1'), `"${bad}",1,USD,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,Usage`));
    expect([bill.rows, bill.refusedRows, rowProblems(bill)]).toEqual([1, 1, ['3 not_a_number']]);
    expect(bill.problems.at(-1)).toMatchObject({ column: 'billed_cost', refused: true });
  });
  it.each(['4', '-3', '1.234', '-100.2', '0', '35.2E-7', '1.5E-3', '35.2E7'])('reads "%s" as an amount', async (good) => {
    const bill = await take(csv(row(good)));
    expect(formatAmount(parseAmount(bill.totals[0]!.billed))).toBe(formatAmount(parseAmount(good)));
  });
  it('refuses costs whose sum could not be kept, and takes the rest', async () => {
    const bill = await take(csv(row('99999999999999999999'), row('1'), row('-1000000000000'), row('999999999999')), 'a.csv');
    const refused = bill.problems.filter(({ code }) => code === 'too_large').map(({ line, column }) => `${line} ${column}`);
    expect([bill.rows, refused]).toEqual([2, ['2 effective_cost', '4 effective_cost', '2 billed_cost', '4 billed_cost']]);
    expect(await t.one('SELECT sum(billed_cost)::VARCHAR AS s FROM bill')).toEqual({ s: '1000000000000.000000000000000000' });
  });
  it('lists bad lines by number and takes the rest', async () => {
    const bill = await take(
      csv(row('1'), 'only,three,fields', row('2'), row('4', 'USD', '2026-13-01'), row('8', 'USD', '2026-10-02', '2026-10-01')),
    );
    expect(rowProblems(bill)).toEqual(['3 bad_line', '5 not_a_time', '6 backward_period']);
    expect([bill.rows, bill.refusedRows]).toEqual([2, 3]);
  });
  it('tells the line of a bad row after many bad lines', async () => {
    const bill = await take(csv(...Array.from({ length: 40 }, () => 'only,three,fields'), row('4', 'USD', '2026-13-01')));
    expect(codes(bill).at(-1)).toBe('42 not_a_time');
    expect(codes(bill).filter((code) => code.endsWith('bad_line'))).toHaveLength(20);
  });
  it("finds the specification's own errors", async () => {
    const bill = await take(fixture('purchase-scenario-2.csv'));
    expect(codes(bill).filter((code) => code.endsWith('not_a_time'))).not.toEqual([]);
    expect(bill.totals.map(({ currency }) => currency)).toEqual(['XXX']);
  });
  it('counts every row of a problem and lists the first', async () => {
    const bill = await take(csv(...Array.from({ length: 500 }, (_, i) => row(`-${i + 1}`))));
    expect(bill.problems.filter(({ code }) => code === 'negative_usage')).toHaveLength(20);
    expect(bill.problems.find(({ code }) => code === 'negative_usage')?.count).toBe(500);
    expect(bill.problemCount).toBe(501);
  });
  it('knows negative and missing prices', async () => {
    const head = `${HEADER},ListUnitPrice,ContractedUnitPrice,PricingQuantity,PricingUnit`;
    const bill = await take(`${head}\n${row('1')},-1,1,1,Hours\n${row('2')},,2,1,Hours\n${row('3')},3,3,1,\n`);
    expect(rowProblems(bill)).toEqual(['3 missing_price', '2 negative_price', '4 unit_without_quantity']);
  });
  it('takes rows with tags of any kind: no JSON, a key twice, a quote in a key', async () => {
    const tags = ['not json', '[1]', '{"a":1,"a":2}', '{"a\\"b":"x"}', '{"":{"deep":1}}', '{"service":"cart"}'];
    const bill = await take(`${HEADER},Tags\n${tags.map((tag) => `${row('1')},"${tag.replaceAll('"', '""')}"`).join('\n')}\n`);
    expect([bill.rows, bill.refusedRows]).toEqual([tags.length, 0]);
    expect(await t.one("SELECT tags['service'] AS s FROM bill WHERE line = 7")).toEqual({ s: 'cart' });
  });
  it('refuses a row whose only period is none', async () => {
    const head = 'BilledCost,BillingCurrency,ChargePeriodStart,BillingPeriodStart,BillingPeriodEnd';
    const bill = await take(`${head}\n1,USD,2026-10-01,2026-09-01,2026-10-01\n1,USD,2026-09-05,2026-09-01,2026-10-01\n`);
    expect([bill.rows, rowProblems(bill).filter((code) => code.endsWith('backward_period'))]).toEqual([1, ['2 backward_period']]);
  });
  it('lists a line that is not UTF-8, and takes the rest', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${HEADER}\n${row('1')}\n`),
      Buffer.from([0xff, 0xfe, 0x2c]),
      Buffer.from(`1,1\n${row('2')}\n`),
    ]);
    const bill = await take(bytes);
    expect([bill.rows + bill.refusedRows > 0 || codes(bill).includes('not_utf8'), bill.problemCount > 0]).toEqual([true, true]);
  });
  it('tells a wrong header, an empty file, binary, a cut-off archive: nothing is taken', async () => {
    const refused = async (content: string | Uint8Array) => {
      const bill = await take(content);
      return [bill.rows, ...codes(bill)];
    };
    expect(await refused('name,value\na,1\n')).toEqual([0, 'not_a_bill']);
    expect(await refused('')).toEqual([0, 'not_a_bill']);
    expect(await refused(`${HEADER},BilledCost\n`)).toEqual([0, 'duplicate_column']);
    expect(await refused(`${HEADER}${',x'.repeat(40_000)}\n`)).toEqual([0, 'too_many_columns']);
    expect(await refused(Buffer.from([0x00, 0xff, 0xfe, 0x0a]))).toEqual([0, 'not_utf8']);
    const packed = gzipSync(csv(...Array.from({ length: 20_000 }, (_, i) => row(String(i)))));
    expect(await refused(packed.subarray(0, packed.length / 2))).toEqual([0, 'cut_off']);
    expect(await t.store.bills()).toEqual([]);
    expect((await take(csv(row('1')))).rows).toBe(1);
  });
});

describe('disk for intermediate results', () => {
  const wide = (rows: number) =>
    csv(...Array.from({ length: rows }, (_, i) => `${row(String(i))}`.replace('Usage', `Usage ${i} `.padEnd(1500, `${i}x`))));
  it('a small archive of a large bill stops at the limit, says so, and leaves room for the next', async () => {
    await t.reopen({ machine: { threads: 1, memoryLimitBytes: 96 * 1024 ** 2, tempBytes: 4 * 1024 ** 2 } });
    await expect(take(gzipSync(wide(80_000), { level: 1 }))).rejects.toMatchObject({
      code: 'temp_full',
      message: expect.stringContaining('/4.19 MB used'),
    });
    expect(await t.store.bills()).toEqual([]);
    expect((await take(wide(100))).rows).toBe(100);
  });
  it('a query says so too', async () => {
    await t.reopen({ machine: { threads: 1, memoryLimitBytes: 48 * 1024 ** 2, tempBytes: 1024 ** 2 } });
    await expect(t.store.userQuery('SELECT md5(range::VARCHAR) AS a FROM range(3000000) ORDER BY a')).rejects.toMatchObject({
      code: 'temp_full',
    });
  });
  it.each([
    [10 * 1024 ** 3, 5 * 1024 ** 3],
    [1024 ** 4, 32 * 1024 ** 3],
    [0, 0],
  ])('of %d bytes free %d may be taken', (free, may) => expect(tempLimitBytes(free)).toBe(may));
  it('what a killed process left there goes at start', async () => {
    const left = ['bill-x', 'duckdb_temp_storage_S32K-0.tmp'].map((name) => join(t.dataDir, 'tmp', name));
    for (const path of left) writeFileSync(path, 'x');
    for (const path of left) utimesSync(path, 1000, 1000);
    await t.reopen();
    expect(left.filter((path) => existsSync(path))).toEqual([]);
  });
});

describe('what lasts', () => {
  it('is there after a restart', async () => {
    const bill = await take(fixture('aws-1.3.csv'));
    await t.reopen();
    expect(await t.store.bills()).toEqual([bill]);
    expect(await t.count('bill')).toBe(20);
  });
  it('sets a damaged file aside and goes on', async () => {
    await take(csv(row('1')));
    await t.store.close();
    writeFileSync(join(t.dataDir, 'bills.duckdb'), 'not a database at all, but long enough to be looked at'.repeat(400));
    await t.open();
    expect((await t.store.facts()).problems.map(({ message }) => message)).toEqual([expect.stringContaining('set aside')]);
    expect((await take(csv(row('1')))).rows).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import type { NodeUsage, ServiceUsage } from '#contracts/resource-usage.ts';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { allocateCosts, type CostInput, serviceTotal } from './allocate-costs.ts';
import { formatAmount, parseAmount, picoOf, splitExactly, sumOf, timesPico } from './money.ts';

const HOUR = 3_600_000;
const node = (name: string, cell: number, part = 1): NodeUsage => ({
  node: name,
  startMs: cell * HOUR,
  endMs: (cell + part) * HOUR,
  vcpus: 4,
  memoryGiB: 16,
  cpuUtilization: null,
  provider: '',
  region: '',
  instanceType: '',
});
const usage = (service: string, on: string, cell: number, used: number, requested: number | null, gib = 0): ServiceUsage => ({
  service,
  node: on,
  startMs: cell * HOUR,
  endMs: (cell + 1) * HOUR,
  cpuCoreHours: used,
  cpuRequestedCoreHours: requested,
  memoryGiBHours: gib,
  memoryRequestedGiBHours: null,
});
const CORE = parseAmount('0.031611');
const GIB = parseAmount('0.004237');
const costOf = (rate: bigint, size: number, row: NodeUsage): bigint => timesPico(rate, picoOf((size * (row.endMs - row.startMs)) / HOUR));
const priced = (row: NodeUsage, currency = 'USD') => ({
  usage: row,
  currency,
  cpuCost: costOf(CORE, row.vcpus, row),
  memoryCost: costOf(GIB, row.memoryGiB, row),
});
const input = (part: Partial<CostInput>): CostInput => ({
  startMs: 0,
  stepMs: HOUR,
  cells: 1,
  nodes: [],
  services: [],
  elsewhere: { currency: 'USD', coreHour: CORE, gibHour: GIB },
  billed: [],
  idle: 'apart',
  ...part,
});

describe('allocateCosts', () => {
  it('charges the larger of request and usage, and leaves the rest of the node idle', () => {
    const services = [usage('a', 'n', 0, 0.25, 1, 2), usage('b', 'n', 0, 0.5, 0.1, 4)];
    const [ledger] = allocateCosts(input({ nodes: [priced(node('n', 0))], services }));
    const cost = (name: string) => formatAmount(serviceTotal(ledger!.services.get(name)!));
    expect(cost('a')).toBe('0.040085'); // 1 x 0.031611 + 2 x 0.004237
    expect(cost('b')).toBe('0.0327535'); // 0.5 x 0.031611 + 4 x 0.004237
    expect(formatAmount(ledger!.total[0]!)).toBe('0.194236'); // 4 x 0.031611 + 16 x 0.004237
    expect(formatAmount(ledger!.idle[0]!)).toBe('0.1213975'); // 2.5 x 0.031611 + 10 x 0.004237
  });
  it('never charges more than the node costs when more is asked for than there is', () => {
    const services = [usage('a', 'n', 0, 0, 6), usage('b', 'n', 0, 0, 2)];
    const [ledger] = allocateCosts(input({ nodes: [priced(node('n', 0))], services }));
    expect(formatAmount(serviceTotal(ledger!.services.get('a')!))).toBe('0.094833'); // 3/4 of 4 x 0.031611
    expect(formatAmount(ledger!.idle[0]!)).toBe('0.067792'); // the memory nobody holds
  });
  it('does not call a node idle that nobody measured', () => {
    const [ledger] = allocateCosts(input({ nodes: [priced(node('n', 0, 0.5))] }));
    expect([ledger!.idle[0], formatAmount(ledger!.unallocated[0]!)]).toEqual([0n, '0.097118']);
  });
  it('charges use on a node nobody describes at the rates for it, with nothing idle', () => {
    const [ledger] = allocateCosts(input({ services: [usage('a', 'x', 0, 2, null, 1)] }));
    expect([formatAmount(ledger!.total[0]!), ledger!.idle[0]]).toEqual(['0.067459', 0n]);
  });
  it('keeps currencies apart', () => {
    const billed = (currency: string) => ({
      cell: 0,
      currency,
      amount: parseAmount('5'),
      service: null,
      what: 's3',
      reason: 'no_node' as const,
    });
    const ledgers = allocateCosts(input({ billed: [billed('USD'), billed('EUR'), billed('USD')] }));
    expect(ledgers.map((l) => [l.currency, formatAmount(l.total[0]!)])).toEqual([
      ['USD', '10'],
      ['EUR', '5'],
    ]);
  });

  it('law: allocated + idle + unallocated = total, in every cell and currency', () => {
    const random = seededRng(7);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const amount = () => BigInt(Math.floor((random() - 0.3) * 1e15)) * BigInt(Math.floor(random() * 1e9));
    const places = ['n1 0', 'n1 1', 'n1 2', 'n2 0', 'n2 2'];
    for (let run = 0; run < 2_000; run++) {
      const nodes = places
        .filter(() => random() < 0.6)
        .map((place) => ({
          usage: node(place.slice(0, 2), Number(place.slice(3))),
          currency: pick(['USD', 'EUR']),
          cpuCost: amount(),
          memoryCost: amount(),
        }));
      const services = Array.from({ length: Math.floor(random() * 12) }, () =>
        usage(
          pick(['a', 'b', 'c']),
          pick(['n1', 'n2', 'n3', '']),
          pick([0, 1, 2]),
          random() * 8,
          random() < 0.3 ? null : random() * 8,
          random() * 20,
        ),
      );
      const billed = Array.from({ length: Math.floor(random() * 6) }, () => ({
        cell: pick([0, 1, 2]),
        currency: pick(['USD', 'EUR']),
        amount: amount(),
        service: pick(['a', 'd', null]),
        what: 'w',
        reason: 'no_node' as const,
      }));
      const ledgers = allocateCosts(input({ cells: 3, nodes, services, billed, idle: pick(['apart', 'shared']) }));
      for (const ledger of ledgers) {
        for (let i = 0; i < 3; i++) {
          const allocated = sumOf([...ledger.services.values()].map((each) => each.cells[i]!));
          expect(allocated + ledger.idle[i]! + ledger.unallocated[i]!).toBe(ledger.total[i]);
        }
        expect(sumOf([...ledger.lines.values()].map((line) => line.amount))).toBe(sumOf(ledger.unallocated));
      }
      // Whatever comes in with an amount is in the total of its currency.
      const given =
        sumOf(nodes.filter((x) => x.currency === 'EUR').map((x) => x.cpuCost + x.memoryCost)) +
        sumOf(billed.filter((x) => x.currency === 'EUR').map((x) => x.amount));
      expect(sumOf(ledgers.find((l) => l.currency === 'EUR')?.total ?? [])).toBe(given);
    }
  });
});

describe('money', () => {
  it.each([
    ['4', '4'],
    ['-3', '-3'],
    ['1.234', '1.234'],
    ['0', '0'],
    ['35.2E-7', '0.00000352'],
    ['1.5E-3', '0.0015'],
    ['35.2E7', '352000000'],
    ['.5', '0.5'],
    ['0.0000000000000000015', '0.000000000000000002'],
  ])('reads %s as %s', (text, read) => expect(formatAmount(parseAmount(text))).toBe(read));
  it.each(['', '-', '.', '1,5', '+3', 'abc', '1e+3', '0x1'])('refuses "%s"', (text) => expect(() => parseAmount(text)).toThrow(RangeError));
  it('law: parts of a split add up to the whole, and nothing goes to a weight of 0', () => {
    const random = seededRng(3);
    const whole = (digits: number) => BigInt(Math.floor(random() * 10 ** digits)) ** 2n;
    for (let run = 0; run < 5_000; run++) {
      const amount = (random() < 0.5 ? -1n : 1n) * whole(15);
      const by = Array.from({ length: 1 + Math.floor(random() * 20) }, () => (random() < 0.2 ? 0n : whole(6)));
      const parts = splitExactly(amount, by);
      expect(sumOf(parts)).toBe(sumOf(by) > 0n ? amount : 0n);
      for (const [i, part] of parts.entries()) if (by[i] === 0n) expect(part).toBe(0n);
    }
    expect(splitExactly(-10n, [1n, 1n, 1n])).toEqual([-4n, -3n, -3n]);
  });
});

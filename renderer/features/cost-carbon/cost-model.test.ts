import { describe, expect, it } from 'vitest';
import type { CarbonAnswer, CarbonFigure, ServiceCarbon } from '#contracts/carbon.ts';
import type { CostAnswer, Figure } from '#contracts/cost.ts';
import { gramsText, moneyText } from '../../lib/amount-text.ts';
import { cellStep, cellWindow, parties, stackParties } from './cost-model.ts';

const figure = (amount: string): Figure => ({ amount, query: 'SELECT 1', formula: amount });
const grams = (mid: number): CarbonFigure => ({ low: mid / 2, mid, high: mid * 2, query: 'SELECT 1', formula: '' });
const cost: CostAnswer = {
  start: 0,
  end: 120_000,
  stepMs: 60_000,
  times: [0, 60_000],
  idle: 'apart',
  ledgers: [
    {
      currency: 'USD',
      total: figure('6'),
      allocated: figure('3'),
      idle: figure('2'),
      unallocated: figure('1'),
      services: [
        { service: 'cart', cost: figure('2'), billed: '0', cpuCoreHours: 1, memoryGiBHours: 1, cells: ['1', '1'] },
        { service: 'mail', cost: figure('1'), billed: '0', cpuCoreHours: 1, memoryGiBHours: 1, cells: ['0.4', '0.6'] },
      ],
      idleCells: ['1', '1'],
      unallocatedCells: ['0.5', '0.5'],
      totalCells: ['2.9', '3.1'],
      unallocatedLines: [],
    },
  ],
  nodes: [],
  missing: [],
};
const emitted = (service: string, mid: number, requests = 0): ServiceCarbon => ({
  service,
  emissions: grams(mid),
  kwh: grams(mid),
  embodied: grams(mid),
  idleShare: 0.5,
  requests,
  perThousandRequests: requests > 0 ? grams((mid / requests) * 1000) : null,
  cells: [mid / 2, mid / 2],
});
const carbon: CarbonAnswer = {
  start: 0,
  end: 120_000,
  stepMs: 60_000,
  times: [0, 60_000],
  total: grams(100),
  allocated: grams(60),
  idle: grams(30),
  unattributed: grams(10),
  services: [emitted('mail', 40, 500), emitted('adds', 20)],
  idleCells: [15, 15],
  unattributedCells: [5, 5],
  totalCells: [grams(50), grams(50)],
  nodes: [],
  assumptions: [],
  missing: [],
};
describe('parties', () => {
  const { rows } = parties(cost, carbon, 'USD');
  it('joins both sides by service, dearest first, what belongs to none last', () =>
    expect(rows.map((row) => row.name || row.kind)).toEqual(['cart', 'mail', 'adds', 'unallocated', 'idle']));
  it('a side that is not known is not zero', () => {
    expect(rows[0]?.carbon).toBeNull();
    expect(rows[2]?.cost).toBeNull();
  });
  it('a thousand requests cost their part', () => {
    expect(Number(rows[1]?.costPerThousand?.amount)).toBe(2);
    expect(rows[0]?.costPerThousand).toBeNull();
  });
  it('a service keeps its colour when the order changes', () => {
    const token = (answer: CostAnswer | null): string | undefined =>
      parties(answer, carbon, 'USD').rows.find((row) => row.name === 'mail')?.token;
    const dearer = { ...cost, ledgers: cost.ledgers.map((ledger) => ({ ...ledger, services: [...ledger.services].reverse() })) };
    expect(token(dearer)).toBe(token(cost));
  });
  it('no two services that are drawn share a colour', () => {
    const many = { ...carbon, services: Array.from({ length: 25 }, (_, i) => emitted(`s${i}`, i + 1)) };
    const layers = stackParties(parties(null, many, '').rows, 2, (party) => party.carbonCells);
    expect(new Set(layers.map((layer) => layer.token)).size).toBe(layers.length);
  });
  it('emissions alone are a page too', () =>
    expect(parties(null, carbon, '').rows.map((row) => row.name || row.kind)).toEqual(['mail', 'adds', 'unallocated', 'idle']));
});
describe('stackParties', () => {
  const { rows } = parties(cost, carbon, 'USD');
  it('the tallest bar is the total of the cell', () => {
    const layers = stackParties(rows, 2, (party) => party.costCells);
    expect(layers[0]?.tops.map((top) => Number(top.toFixed(9)))).toEqual(cost.ledgers[0]?.totalCells.map(Number));
    expect(layers.map((layer) => layer.name || layer.kind)).toEqual(['idle', 'unallocated', 'mail', 'cart']);
  });
  it('services beyond ten are one layer, and nothing is lost', () => {
    const many = { ...carbon, services: Array.from({ length: 25 }, (_, i) => emitted(`s${i}`, i + 1)) };
    const layers = stackParties(parties(null, many, '').rows, 2, (party) => party.carbonCells);
    expect(layers.length).toBe(13);
    expect(layers[0]?.tops[0]).toBeCloseTo((25 * 26) / 4 + 20, 9);
  });
});
describe('cells', () => {
  it.each([
    [15 * 60_000, 60_000],
    [3 * 3_600_000, 300_000],
    [86_400_000, 1_800_000],
    [30 * 86_400_000, 86_400_000],
  ])('a window of %i ms has cells of %i ms', (ms, step) => expect(cellStep({ startMs: 0, endMs: ms })).toBe(step));
  it('a window that moves by seconds asks the same', () =>
    expect(cellWindow({ startMs: 61_000, endMs: 119_000 }, 60_000)).toEqual(cellWindow({ startMs: 65_000, endMs: 119_500 }, 60_000)));
});
describe('amounts', () => {
  it.each([
    [gramsText(0), '0 g'],
    [gramsText(0.000042), '42 µg'],
    [gramsText(0.8123), '812 mg'],
    [gramsText(1240), '1.24 kg'],
    [gramsText(2.1e6), '2.1 t'],
    [moneyText('12.5', 'USD', 'en'), '$12.50'],
    [moneyText('0.00123456', 'USD', 'en'), '$0.00123'],
    [moneyText('-0.5', 'EUR', 'en'), '-€0.5'],
    [moneyText('3', 'CREDITS', 'en'), '3.00 CREDITS'],
    [moneyText('x', 'USD', 'en'), '–'],
  ])('%s', (text, expected) => expect(text).toBe(expected));
});

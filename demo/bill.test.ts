import { describe, expect, it } from 'vitest';
import { BILL_DAYS, shopBill } from './bill.ts';
import { HOSTS, SERVICES } from './shop/topology.ts';

const NOON = Date.UTC(2026, 10, 21, 12);
const DAY = 86_400_000;
const rows = (csv: string) => csv.trim().split('\n').slice(1);

describe('shopBill', () => {
  it('gives the same bytes for the same seed and day, at any hour of it', () => {
    expect(shopBill(11, NOON)).toEqual(shopBill(11, NOON + 7_200_000));
    expect(shopBill(11, NOON).csv).not.toBe(shopBill(12, NOON).csv);
  });
  it("repeats today's days in tomorrow's month, row by row", () => {
    const today = new Set(rows(shopBill(11, NOON).csv));
    const tomorrow = rows(shopBill(11, NOON + DAY).csv);
    const fresh = tomorrow.filter((row) => !today.has(row));
    expect(fresh.every((row) => row.includes('2026-11-21T'))).toBe(true);
    expect(tomorrow.length - fresh.length).toBeGreaterThan(0.9 * tomorrow.length);
  });
  it('bills every host for every hour, by the id its telemetry names', () => {
    const { csv } = shopBill(11, NOON);
    for (const host of HOSTS) expect(csv.split(`instance/${host.id},`).length - 1).toBe(BILL_DAYS * 24);
  });
  it('names no service that is not there, and nothing of a fault', () => {
    const { csv } = shopBill(11, NOON);
    const owners = new Set([...csv.matchAll(/""service"":""([^"]+)""/g)].map(([, name]) => name));
    expect(owners.size).toBeGreaterThan(5);
    for (const owner of owners) expect(SERVICES.map((spec) => spec.name)).toContain(owner);
    expect(csv).not.toMatch(/fault|incident|scenario|deploy/i);
  });
});

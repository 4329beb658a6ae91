import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CostAnswer, costAnswerSchema } from '#contracts/cost.ts';
import { BILL_DAYS, shopBill } from '#demo/bill.ts';
import { HOST_TYPE, HOSTS, SERVICES } from '#demo/shop/topology.ts';
import { createShop } from '#demo/simulate.ts';
import { openRig, type Rig } from './engine-rig.ts';

/** Twenty minutes of the demo shop and a month of its bill: what the Cost page shows. */
const MINUTES = 20;
const endMs = Math.floor(Date.now() / 60_000) * 60_000;
const startMs = endMs - MINUTES * 60_000;
let rig: Rig;
const cost = async (query: string): Promise<CostAnswer> => costAnswerSchema.parse(await rig.json(`/console/cost?${query}`));
beforeAll(async () => {
  rig = await openRig();
  const shop = createShop({ seed: 11, scenario: 'none', startMs, requestsPerSecond: 5 });
  const bodies = shop.advance(endMs);
  for (const body of bodies.metrics) await rig.append('metrics', body);
  await rig.flush();
});
afterAll(() => rig.close());

describe('the demo shop', () => {
  it('tells the size, place and use of its four hosts, and the requests of every service', async () => {
    const answer = await cost(`start=${startMs}&end=${endMs}&step=300000`);
    expect(answer.nodes.map(({ node, instanceType, region, vcpus, memoryGiB }) => [node, instanceType, region, vcpus, memoryGiB])).toEqual(
      HOSTS.map((host) => [host.name, HOST_TYPE.name, 'eu-west-1', 4, 16]),
    );
    expect(answer.missing.map(({ code }) => code)).toEqual(['no_bill', 'default_prices']);
    const [ledger] = answer.ledgers;
    expect(ledger?.services.map((each) => each.service).sort()).toEqual(SERVICES.map((spec) => spec.name).sort());
    // A third of an hour of four hosts, less the seconds before their first word.
    const full = (4 * (4 * 0.031611 + 16 * 0.004237)) / 3;
    expect(Number(ledger?.total.amount) / full).toBeGreaterThan(0.98);
    expect(Number(ledger?.total.amount)).toBeLessThanOrEqual(full);
    expect(Number(ledger?.idle.amount)).toBeGreaterThan(0.3 * full);
  });
  it('has a bill without a flaw, laid on services by tag, its machines unmeasured in the past', async () => {
    const { name, csv } = shopBill(11, endMs);
    const { bill } = (await rig.json(`/console/import?name=${name}`, { method: 'POST', body: csv })) as { bill: Record<string, unknown> };
    expect(bill).toMatchObject({ refusedRows: 0, problems: [], focusVersion: '1.3' });
    const dayMs = Math.floor(endMs / 86_400_000) * 86_400_000;
    const answer = await cost(`start=${dayMs - BILL_DAYS * 86_400_000}&end=${dayMs}&step=86400000`);
    const [ledger] = answer.ledgers;
    expect(answer.times).toHaveLength(BILL_DAYS);
    expect(ledger?.services.map((each) => each.service)).toContain('checkout');
    expect(ledger?.unallocatedLines.map((line) => line.what)).toEqual(expect.arrayContaining(['shop-node-1', 'Elastic Load Balancing']));
    expect(ledger?.totalCells.every((amount) => Number(amount) > 20)).toBe(true);
  });
});

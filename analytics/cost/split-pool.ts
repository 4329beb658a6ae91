import { type Atto, splitExactly, sumOf } from './money.ts';

/** What one node (or cluster) costs for one resource in one cell, and who asks for it. */
export interface Pool {
  readonly cost: Atto;
  /** What the cost buys, in any unit the workloads share (1e-12 core-hours). */
  readonly capacity: bigint;
  /** max(request, usage) of each service. */
  readonly workloads: readonly bigint[];
}
/**
 * Lays a pool on its workloads: each pays its share of the capacity, the rest is idle (OpenCost: Idle = Asset -
 * Workload). Asked for more than there is, the workloads share the whole in proportion: a node costs no more than it costs.
 * `shared`: idle is laid on the workloads by their weight (OpenCost's "share idle, weighted", which is per resource).
 */
export function splitPool(pool: Pool, idle: 'apart' | 'shared'): { readonly parts: readonly Atto[]; readonly idle: Atto } {
  const asked = sumOf(pool.workloads);
  const spare = pool.capacity > asked ? pool.capacity - asked : 0n;
  if (asked === 0n) return { parts: pool.workloads.map(() => 0n), idle: pool.cost };
  if (idle === 'shared') return { parts: splitExactly(pool.cost, pool.workloads), idle: 0n };
  const parts = splitExactly(pool.cost, [...pool.workloads, spare]);
  return { parts: parts.slice(0, -1), idle: parts.at(-1) as Atto };
}

/**
 * A node's price taken apart into its resources in proportion to what they would cost at base rates
 * (OpenCost specification, appendix A: $35 over GPU 30, CPU 30, RAM 10 is 15, 15, 5).
 */
export function splitPrice(price: Atto, atBaseRates: readonly Atto[]): Atto[] {
  // Base rates of 0 say nothing: the price must still go somewhere.
  return splitExactly(price, sumOf(atBaseRates) > 0n ? atBaseRates : atBaseRates.map((_, i) => (i === 0 ? 1n : 0n)));
}

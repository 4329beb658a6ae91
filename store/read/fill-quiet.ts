import type { Observation } from '#contracts/observation.ts';

interface Lists {
  readonly services: Iterable<Observation['services'][number]>;
  readonly edges: Iterable<Observation['edges'][number]>;
  readonly logs: Iterable<Observation['logs'][number]>;
}

/**
 * Nothing counted in a cell in which, or beside which, the service was heard: that is a zero, not an absence.
 * `alive`: cells in which each service was heard, cell 0 being cell `offset` of the lists' arrays.
 */
export function fillQuiet(lists: Lists, alive: ReadonlyMap<string, Uint8Array>, buckets: number, offset = 0): void {
  const fill = (service: string, ...counts: Float64Array[]): void => {
    const heard = alive.get(service);
    if (!heard) return;
    for (let i = 0; i < buckets; i++) {
      if (!heard[i] && !heard[i - 1] && !heard[i + 1]) continue;
      const at = offset + i;
      for (const count of counts) if (at >= 0 && at < count.length && Number.isNaN(count[at] as number)) count[at] = 0;
    }
  };
  for (const row of lists.services) fill(row.service, row.requests, row.errors, row.ownErrors);
  for (const edge of lists.edges) fill(edge.from, edge.requests, edge.errors);
  for (const log of lists.logs) fill(log.service, log.counts);
}

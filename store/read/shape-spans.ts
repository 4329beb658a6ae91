import type { EdgeObservation, Placement, ServiceObservation } from '#contracts/observation.ts';
import { emptyCells, entryOf, type Mutable } from './cells.ts';
import { type Columns, numbers, texts } from './columns-of.ts';

type ServiceRow = Mutable<ServiceObservation>;
const serviceKey = (service: string, instance: string | null): string => `${service}\0${instance ?? ''}`;
/** Services and their instances, from the rows of RED and of self time. */
export function shapeServices(red: Columns, self: Columns, buckets: number): ServiceRow[] {
  const rows = new Map<string, ServiceRow>();
  const at = (service: string, instance: string | null): ServiceRow =>
    entryOf(rows, serviceKey(service, instance), () => {
      const [requests, errors, ownErrors] = [emptyCells(buckets), emptyCells(buckets), emptyCells(buckets)];
      const [p50Ms, p95Ms, selfMeanMs] = [emptyCells(buckets), emptyCells(buckets), emptyCells(buckets)];
      return { service, instance, requests, errors, ownErrors, p50Ms, p95Ms, selfMeanMs };
    });
  const each = (result: Columns, use: (row: ServiceRow, cell: number, value: (name: string) => number) => void): void => {
    const [service, instance] = [texts(result, 'service'), texts(result, 'instance')];
    const [whole, cell] = [numbers(result, 'whole'), numbers(result, 'cell')];
    const columns = new Map<string, ArrayLike<number>>();
    for (let i = 0; i < result.rowCount; i++) {
      // Spans without an instance of their own show only in the whole.
      if (whole[i] === 0 && !instance[i]) continue;
      const row = at(service[i] ?? '', whole[i] === 1 ? null : (instance[i] ?? null));
      use(row, cell[i] as number, (name) => entryOf(columns, name, () => numbers(result, name))[i] as number);
    }
  };
  each(red, (row, cell, value) => {
    row.requests[cell] = value('requests');
    row.errors[cell] = value('errors');
    row.p50Ms[cell] = value('p50_ms');
    row.p95Ms[cell] = value('p95_ms');
    row.ownErrors[cell] = 0;
  });
  each(self, (row, cell, value) => {
    row.selfMeanMs[cell] = value('self_ms') / value('requests');
    row.ownErrors[cell] = value('own_errors');
  });
  return [...rows.values()];
}

/** Calls between services; `alive`: who is heard, by any signal. */
export function shapeEdges(result: Columns, alive: ReadonlyMap<string, Uint8Array>, buckets: number): EdgeObservation[] {
  const [caller, callee, kind, cell] = [
    texts(result, 'caller'),
    texts(result, 'callee'),
    texts(result, 'callee_kind'),
    numbers(result, 'cell'),
  ];
  const names = ['requests', 'errors', 'client_mean_ms', 'client_p95_ms', 'server_mean_ms'] as const;
  const [requests, errors, mean, p95, server] = names.map((name) => numbers(result, name)) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  const edges = new Map<string, Mutable<EdgeObservation>>();
  for (let i = 0; i < result.rowCount; i++) {
    const [from, to] = [caller[i] ?? '', callee[i] ?? ''];
    const edge = entryOf(edges, `${from}\0${to}`, () => {
      // A callee that reports itself is a service even where its own span has not arrived.
      const seen = alive.has(to) ? 'service' : ((kind[i] ?? 'external') as EdgeObservation['kind']);
      const arrays = {
        requests: emptyCells(buckets),
        errors: emptyCells(buckets),
        clientMeanMs: emptyCells(buckets),
        clientP95Ms: emptyCells(buckets),
      };
      return { from, to, kind: seen, ...arrays, serverMeanMs: emptyCells(buckets) };
    });
    const c = cell[i] as number;
    // A name met both as a service and as a bare peer in one cell: the counts add up, the larger part's times stand.
    const before = Number.isNaN(edge.requests[c] as number) ? 0 : (edge.requests[c] as number);
    const larger = (requests[i] as number) >= before;
    edge.requests[c] = before + (requests[i] as number);
    edge.errors[c] = (before === 0 ? 0 : (edge.errors[c] as number)) + (errors[i] as number);
    if (!larger) continue;
    edge.clientMeanMs[c] = mean[i] as number;
    edge.clientP95Ms[c] = p95[i] as number;
    edge.serverMeanMs[c] = server[i] as number;
  }
  return [...edges.values()];
}

/** Marks the cells in which services were heard and adds the places telemetry came from. */
export function noteSeen(
  heard: Columns,
  place: Columns,
  alive: Map<string, Uint8Array>,
  places: Map<string, Placement>,
  buckets: number,
): void {
  const [service, cell] = [texts(heard, 'service'), numbers(heard, 'cell')];
  for (let i = 0; i < heard.rowCount; i++) entryOf(alive, service[i] ?? '', () => new Uint8Array(buckets))[cell[i] as number] = 1;
  const text = (name: string): readonly (string | null)[] => texts(place, name);
  const [owner, instance, host, version] = [text('service'), text('instance'), text('host'), text('version')];
  const [first, last] = [numbers(place, 'first_ms'), numbers(place, 'last_ms')];
  for (let i = 0; i < place.rowCount; i++) {
    const where = { service: owner[i] ?? '', instance: instance[i] ?? '', host: host[i] ?? null, version: version[i] ?? null };
    const key = JSON.stringify([where.service, instance[i], where.host, where.version]);
    const before = places.get(key);
    const firstSeenMs = Math.min(before?.firstSeenMs ?? Number.POSITIVE_INFINITY, first[i] as number);
    places.set(key, { ...where, firstSeenMs, lastSeenMs: Math.max(before?.lastSeenMs ?? 0, last[i] as number) });
  }
}

import type { ServiceMap } from '#contracts/console-api.ts';
import type { QueryOptions } from '#contracts/store.ts';
import { placementsSql, serviceEdgesSql, serviceMapSql, serviceNodesSql, type Window } from '../sql/read/services-sql.ts';
import { numbers, type Queries, texts } from './columns-of.ts';

type Node = Omit<ServiceMap['nodes'][number], 'openIncident'>;
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Services and calls of a window. A node no entry span speaks for is known only from the calls it gets. */
export async function readServiceMap(
  store: Queries,
  window: Window,
  options: QueryOptions,
): Promise<{ nodes: Node[]; edges: ServiceMap['edges']; query: string }> {
  const seconds = (window.endMs - window.startMs) / 1000;
  const nodesSql = serviceNodesSql(window);
  const edgesSql = serviceEdgesSql(window);
  const nodes = new Map<string, Node>();
  const place = await readPlaces(store, window, options);

  const result = await store.query(nodesSql, [], options);
  const [service, requests, errors, p50, p95] = [
    texts(result, 'service'),
    ...['requests', 'errors', 'p50_ms', 'p95_ms'].map((name) => numbers(result, name)),
  ] as [readonly (string | null)[], ...ArrayLike<number>[]];
  for (let i = 0; i < result.rowCount; i++) {
    const name = service[i] ?? '';
    const rate = {
      requests: requests?.[i] as number,
      ratePerSecond: (requests?.[i] as number) / seconds,
      errorRatio: (errors?.[i] as number) / Math.max(1, requests?.[i] as number),
    };
    nodes.set(name, {
      service: name,
      kind: 'service',
      ...rate,
      p50Ms: orNull(p50?.[i] as number),
      p95Ms: orNull(p95?.[i] as number),
      ...(place.get(name) ?? { version: null, instances: 0 }),
    });
  }
  for (const [name, at] of place) {
    if (!nodes.has(name))
      nodes.set(name, { service: name, kind: 'service', requests: 0, ratePerSecond: 0, errorRatio: 0, p50Ms: null, p95Ms: null, ...at });
  }
  const edges = await readEdges(store, edgesSql, seconds, options);
  for (const edge of edges) {
    const { kind, ...shown } = edge;
    const node = nodes.get(edge.to);
    if (node && node.kind === 'service') continue;
    const calls = (node?.requests ?? 0) + shown.requests;
    const errorsBefore = (node?.errorRatio ?? 0) * (node?.requests ?? 0);
    const p95Ms = Math.max(node?.p95Ms ?? 0, shown.p95Ms ?? 0);
    const ratio = (errorsBefore + shown.errorRatio * shown.requests) / Math.max(1, calls);
    nodes.set(edge.to, {
      service: edge.to,
      kind,
      requests: calls,
      ratePerSecond: calls / seconds,
      errorRatio: ratio,
      p50Ms: null,
      p95Ms,
      version: null,
      instances: 0,
    });
  }
  return {
    nodes: [...nodes.values()],
    edges: edges.map(({ kind: _, ...edge }) => edge),
    query: serviceMapSql(window),
  };
}

async function readEdges(
  store: Queries,
  sql: string,
  seconds: number,
  options: QueryOptions,
): Promise<(ServiceMap['edges'][number] & { kind: Node['kind'] })[]> {
  const result = await store.query(sql, [], options);
  const [from, to, kind] = [texts(result, 'caller'), texts(result, 'callee'), texts(result, 'kind')];
  const [requests, errors, p95] = [numbers(result, 'requests'), numbers(result, 'errors'), numbers(result, 'p95_ms')];
  return Array.from({ length: result.rowCount }, (_, i) => {
    const count = requests[i] as number;
    const rates = {
      requests: count,
      ratePerSecond: count / seconds,
      errorRatio: (errors[i] as number) / Math.max(1, count),
      p95Ms: orNull(p95[i] as number),
    };
    return { from: from[i] ?? '', to: to[i] ?? '', kind: (kind[i] ?? 'external') as Node['kind'], ...rates };
  });
}

/** Newest version and number of instances of each service. */
async function readPlaces(
  store: Queries,
  window: Window,
  options: QueryOptions,
): Promise<Map<string, { version: string | null; instances: number }>> {
  const result = await store.query(placementsSql(window), [], options);
  const [service, instance, version, first] = [
    texts(result, 'service'),
    texts(result, 'instance'),
    texts(result, 'version'),
    numbers(result, 'first_ms'),
  ];
  const seen = new Map<string, { version: string | null; atMs: number; instances: Set<string> }>();
  for (let i = 0; i < result.rowCount; i++) {
    const at = seen.get(service[i] ?? '') ?? { version: null, atMs: Number.NEGATIVE_INFINITY, instances: new Set<string>() };
    seen.set(service[i] ?? '', at);
    if (instance[i]) at.instances.add(instance[i] as string);
    if (version[i] && (first[i] as number) >= at.atMs) {
      at.version = version[i] ?? null;
      at.atMs = first[i] as number;
    }
  }
  return new Map([...seen].map(([name, at]) => [name, { version: at.version, instances: Math.max(1, at.instances.size) }]));
}

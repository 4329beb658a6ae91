import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toOtlpJson } from './otlp-json.ts';
import { DEMO_SCENARIOS } from './scenarios.ts';
import { createShop, type ShopOptions } from './simulate.ts';

const START_MS = Date.UTC(2026, 0, 15, 10);
const MINUTE = 60_000;
type Json = Record<string, unknown>;

const SIGNALS = ['traces', 'logs', 'metrics'] as const;
/** Everything a run sent; bodies are read only when asked for, since reading takes most of the time. */
function run(
  options: Partial<ShopOptions> & Pick<ShopOptions, 'scenario'>,
  minutes: number,
  stepMs = 10_000,
  signals: readonly (typeof SIGNALS)[number][] = SIGNALS,
) {
  const shop = createShop({ seed: 7, startMs: START_MS, durationMs: minutes * MINUTE, requestsPerSecond: 10, ...options });
  const hash = createHash('sha256');
  const bodies: { signal: 'traces' | 'logs' | 'metrics'; json: () => Json }[] = [];
  let largest = 0;
  for (let atMs = START_MS + stepMs; atMs <= START_MS + minutes * MINUTE; atMs += stepMs) {
    const sent = shop.advance(atMs);
    for (const signal of signals) {
      for (const body of sent[signal]) {
        hash.update(body);
        largest = Math.max(largest, body.length);
        bodies.push({ signal, json: () => toOtlpJson(signal, body) });
      }
    }
  }
  return { shop, bodies, largest, digest: hash.digest('hex') };
}
/** Metrics repeat every 10 s: one export in four has all there is to read. */
const thinned = (bodies: ReturnType<typeof run>['bodies']) => bodies.filter(({ signal }, i) => signal !== 'metrics' || i % 4 === 0);
/** Every key and text anywhere in the run, attribute keys and values included. */
function texts(value: unknown, into: Set<string>): Set<string> {
  if (typeof value === 'string') into.add(value);
  else if (Array.isArray(value)) for (const item of value) texts(item, into);
  else if (value && typeof value === 'object') for (const item of Object.values(value)) texts(item, into);
  return into;
}
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code: number };
  attributes: { key: string; value: { stringValue?: string; intValue?: string } }[];
  events?: { name: string }[];
  links?: { traceId: string; spanId: string }[];
  service: string;
  host: string;
}
function spansOf(bodies: ReturnType<typeof run>['bodies']): Span[] {
  const spans: Span[] = [];
  for (const { signal, json } of bodies) {
    if (signal !== 'traces') continue;
    for (const entry of json()['resourceSpans'] as {
      resource: { attributes: Span['attributes'] };
      scopeSpans: { spans: Omit<Span, 'service' | 'host'>[] }[];
    }[]) {
      const text = (key: string) => entry.resource.attributes.find((attribute) => attribute.key === key)!.value.stringValue!;
      const [service, host] = [text('service.name'), text('host.name')];
      for (const scope of entry.scopeSpans) for (const span of scope.spans) spans.push({ ...span, service, host });
    }
  }
  return spans;
}
const isEntry = (span: Span): boolean => span.kind === 2 || span.kind === 5;
let quiet: readonly Span[] | undefined;
/** Four minutes without trouble, read once for all who only look. */
const quietSpans = (): readonly Span[] => {
  quiet ??= spansOf(run({ scenario: 'none' }, 4, 10_000, ['traces']).bodies);
  return quiet;
};

describe('createShop', () => {
  it('gives the same bytes for the same seed, others for another', () => {
    const digest = (seed: number) => run({ scenario: 'pool_exhaustion', seed }, 1).digest;
    expect(digest(3)).toBe(digest(3));
    expect(digest(3)).not.toBe(digest(4));
  });
  it('gives the same items however far each step goes', () => {
    const spans = (stepMs: number) =>
      spansOf(run({ scenario: 'none' }, 2, stepMs, ['traces']).bodies)
        .map((span) => span.spanId)
        .sort();
    expect(spans(60_000)).toEqual(spans(1000));
  });
  it('keeps every body within 512 KiB even when asked for a long stretch at once', () => {
    const { largest } = run({ scenario: 'none', requestsPerSecond: 40 }, 2, 2 * MINUTE);
    expect(largest).toBeGreaterThan(256 * 1024);
    expect(largest).toBeLessThanOrEqual(512 * 1024);
  });
  it('builds whole traces: every parent exists, children lie in their trace, links point to spans', () => {
    const spans = quietSpans();
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    expect(byId.size).toBe(spans.length);
    // Requests still open at the end have children without their parents.
    const settled = spans.filter((span) => Number(BigInt(span.startTimeUnixNano) / 1_000_000n) < START_MS + 3.5 * MINUTE);
    for (const span of settled) {
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
      if (span.parentSpanId) expect(byId.get(span.parentSpanId)?.traceId).toBe(span.traceId);
      for (const link of span.links ?? []) expect(byId.get(link.spanId)?.traceId).toBe(link.traceId);
    }
    expect(settled.some((span) => span.links)).toBe(true);
    expect(new Set(spans.map((span) => span.service)).size).toBeGreaterThanOrEqual(12);
  });
  it('has a low error rate, but not none, in a quiet run', () => {
    const entries = quietSpans().filter(isEntry);
    const ratio = entries.filter((span) => span.status?.code === 2).length / entries.length;
    expect(ratio).toBeGreaterThan(0.0003);
    expect(ratio).toBeLessThan(0.006);
  });
});

describe('scenarios', () => {
  const FORBIDDEN = /inject|chaos|leak|noisy|culprit|scenario|sabotage|simulat|synthetic|\bdemo\b|(?<!de)fault(?!line)/i;
  const KINDS = /bad.?deploy|slow.?dependency|pool.?exhaustion|memory.?leak|error.?burst|neighbour/i;
  const names = (read: readonly Json[]) => {
    const found = new Set<string>();
    const walk = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(walk);
      else if (value && typeof value === 'object') {
        const { key, name } = value as { key?: unknown; name?: unknown };
        if (typeof key === 'string') found.add(key);
        if (typeof name === 'string') found.add(name);
        Object.values(value).forEach(walk);
      }
    };
    read.forEach(walk);
    return found;
  };
  const troubled = new Map<string, { texts: Set<string>; names: Set<string> }>();
  /** A run of the scenario, read once for both tests. */
  function troubledRun(scenario: ShopOptions['scenario']) {
    const known = troubled.get(scenario);
    if (known) return known;
    // A leak needs minutes until a container is killed.
    const minutes = scenario === 'memory_leak' ? 6 : 3;
    const { bodies, shop } = run({ scenario, seed: 11, onsetMs: START_MS + 30_000, requestsPerSecond: 4 }, minutes);
    const read = thinned(bodies).map(({ json }) => json());
    const found = { texts: texts(read, new Set<string>()), names: names(read) };
    for (const host of shop.hosts) found.texts.add(shop.exposition(host));
    troubled.set(scenario, found);
    return found;
  }
  it.each(DEMO_SCENARIOS)('%s: nothing that is sent names the trouble or its place', (scenario) =>
    expect([...troubledRun(scenario).texts].filter((text) => FORBIDDEN.test(text) || KINDS.test(text))).toEqual([]),
  );
  it('use only the span, metric and attribute names of a quiet run', () => {
    const { bodies } = run({ scenario: 'none', seed: 11, requestsPerSecond: 6 }, 4);
    const quiet = names(thinned(bodies).map(({ json }) => json()));
    // Honest symptoms: retries are numbered, a killed container makes a cluster event.
    const honest = new Set(['http.request.resend_count', 'k8s.event.reason']);
    for (const scenario of DEMO_SCENARIOS)
      expect(
        [...troubledRun(scenario).names].filter((name) => !quiet.has(name) && !honest.has(name)),
        scenario,
      ).toEqual([]);
  });
  it('draws places and severities from the seed', () => {
    const places = new Set(
      Array.from(
        { length: 12 },
        (_, seed) => createShop({ seed, scenario: 'bad_deploy', startMs: START_MS, durationMs: MINUTE }).truth().service,
      ),
    );
    expect(places.size).toBeGreaterThan(4);
  });
  it('lays the onset near 70 % of a run of known length and lets a live run move it', () => {
    const shop = createShop({ seed: 5, scenario: 'bad_deploy', startMs: START_MS, durationMs: 40 * MINUTE });
    expect((shop.truth().onsetMs - START_MS) / (40 * MINUTE)).toBeCloseTo(0.7, 1);
    shop.setOnset(START_MS + 5000);
    expect(shop.truth().onsetMs).toBe(START_MS + 5000);
    shop.advance(START_MS + 10_000);
    shop.setOnset(START_MS + 90_000);
    expect(shop.truth().onsetMs).toBe(START_MS + 5000);
  });
});

/** Error ratio and 95th percentile (ms) of entry spans of a service, before and after the onset. */
function beforeAndAfter(spans: readonly Span[], service: string, onsetMs: number, settleMs: number) {
  const side = (after: boolean) => {
    const chosen = spans.filter((span) => {
      const startMs = Number(BigInt(span.startTimeUnixNano) / 1_000_000n);
      return span.service === service && isEntry(span) && (after ? startMs > onsetMs + settleMs : startMs < onsetMs);
    });
    const durations = chosen
      .map((span) => Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6)
      .sort((a, b) => a - b);
    return {
      errors: chosen.filter((span) => span.status?.code === 2).length / chosen.length,
      p95: durations[Math.floor(durations.length * 0.95)]!,
    };
  };
  return { before: side(false), after: side(true) };
}
describe('symptoms', () => {
  const spansFor = (scenario: ShopOptions['scenario'], seed: number) => {
    const { bodies, shop } = run({ scenario, seed, onsetMs: START_MS + 1.5 * MINUTE, requestsPerSecond: 6 }, 4, 10_000, ['traces']);
    return { spans: spansOf(bodies), truth: shop.truth() };
  };
  it.each([1, 2])('bad_deploy, seed %i: errors or latency rise at the place', (seed) => {
    const { spans, truth } = spansFor('bad_deploy', seed);
    const { before, after } = beforeAndAfter(spans, truth.service, truth.onsetMs, 60_000);
    expect(after.errors > before.errors + 0.05 || after.p95 > before.p95 * 1.5).toBe(true);
  });
  it.each([1, 2])('pool_exhaustion, seed %i: requests of the place wait for seconds and fail', (seed) => {
    const { spans, truth } = spansFor('pool_exhaustion', seed);
    const { before, after } = beforeAndAfter(spans, truth.service, truth.onsetMs, 60_000);
    expect(after.p95).toBeGreaterThan(before.p95 * 3);
    expect(after.errors).toBeGreaterThan(before.errors + 0.02);
  });
  it.each([1, 2])('slow_dependency, seed %i: client spans to it are slower, its callers do not slow down by themselves', (seed) => {
    const { spans, truth } = spansFor('slow_dependency', seed);
    const calls = spans.filter(
      (span) => span.kind === 3 && span.attributes.some((a) => a.key === 'server.address' && a.value.stringValue === truth.service),
    );
    const mean = (after: boolean) => {
      const chosen = calls.filter((span) => Number(BigInt(span.startTimeUnixNano) / 1_000_000n) > truth.onsetMs === after);
      return chosen.reduce((sum, span) => sum + Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)), 0) / chosen.length;
    };
    expect(mean(true)).toBeGreaterThan(mean(false) * 4);
  });
  it.each([1, 2])('tenant_error_burst, seed %i: errors at the place are of one tenant', (seed) => {
    const { spans, truth } = spansFor('tenant_error_burst', seed);
    const failed = spans.filter(
      (span) =>
        span.service === truth.service &&
        isEntry(span) &&
        span.events &&
        Number(BigInt(span.startTimeUnixNano) / 1_000_000n) > truth.onsetMs,
    );
    const tenants = new Map<string, number>();
    for (const span of failed) {
      const tenant = span.attributes.find((a) => a.key === 'tenant.id')!.value.stringValue!;
      tenants.set(tenant, (tenants.get(tenant) ?? 0) + 1);
    }
    expect(Math.max(...tenants.values()) / failed.length).toBeGreaterThan(0.85);
  });
  it.each([1, 2])('noisy_neighbour, seed %i: the others on its host are slower, those elsewhere are not', (seed) => {
    const { spans, truth } = spansFor('noisy_neighbour', seed);
    // Leaves of the call tree: what they take is their own doing.
    const leaves = spans.filter(
      (span) => isEntry(span) && ['cart', 'pricing', 'inventory', 'accounts', 'recommendations'].includes(span.service),
    );
    const median = (here: boolean, after: boolean) => {
      const durations = leaves
        .filter((span) => {
          const sinceMs = Number(BigInt(span.startTimeUnixNano) / 1_000_000n) - truth.onsetMs;
          return (span.host === truth.host) === here && (after ? sinceMs > 45_000 : sinceMs < 0);
        })
        .map((span) => Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)))
        .sort((a, b) => a - b);
      return durations[Math.floor(durations.length / 2)]!;
    };
    expect(median(true, true)).toBeGreaterThan(median(true, false) * 2);
    expect(median(false, true)).toBeLessThan(median(false, false) * 1.6);
  });
  it('memory_leak: containers of the place, and no others, are killed and started again', () => {
    const { bodies, shop } = run({ scenario: 'memory_leak', seed: 3, onsetMs: START_MS + MINUTE, requestsPerSecond: 6 }, 8, 10_000, [
      'logs',
    ]);
    const all = new Set<string>();
    for (const { json } of bodies) texts(json(), all);
    const kills = [...all].filter((text) => text.includes('OOMKilled'));
    expect(kills.length).toBeGreaterThan(0);
    for (const text of kills) expect(text).toContain(`Container ${shop.truth().service} `);
  });
});

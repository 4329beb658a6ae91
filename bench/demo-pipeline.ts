import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay, windowsOf } from '#analytics/judge.ts';
import { rankCauses } from '#analytics/rca/rank-causes.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, positionOf, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import type { Incident, RcaResult } from '#contracts/judgement.ts';
import type { Observation } from '#contracts/observation.ts';
import { limitsSchema } from '#contracts/settings.ts';
import type { Store } from '#contracts/store.ts';
import type { Truth } from '#demo/faults.ts';
import type { DemoScenario } from '#demo/scenarios.ts';
import { createShop, type Shop } from '#demo/simulate.ts';
import { ObservationRing } from '#main/engine/observation-ring.ts';
import { openStore } from '#store/open-store.ts';
import { readFacets, servicesWithMoreErrors } from '#store/read/read-facets.ts';
import { readObservation } from '#store/read/read-observation.ts';
import { evidenceQueries } from '#store/sql/read/evidence-sql.ts';
import { prefixOf } from './observation-prefix.ts';

/** One shop run through the real decode, store, observe, detect, correlate and rank; no socket, no clock. */
export interface RunOptions {
  readonly scenario: DemoScenario;
  readonly seed: number;
  readonly minutes: number;
  readonly requestsPerSecond: number;
}
export interface RankedIncident {
  readonly incident: Incident;
  readonly rca: RcaResult;
}
export interface RunOutcome {
  readonly truth: Truth;
  readonly incidents: readonly RankedIncident[];
  /** Incidents of the whole replay that a replay without the future does not have; must be 0. */
  readonly lookedAhead: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly seconds: Readonly<Record<'simulate' | 'ingest' | 'observe' | 'judge', number>>;
}
const STEP_MS = 10_000;
const PART_CELLS = 30;
/** Causes are read this long after an incident opened: what an operator sees who comes when called. */
const LOOK_AFTER_MS = 3 * 60_000;
const LIMITS = limitsSchema.parse(undefined);

function scrapeRecord(shop: Shop, host: string, atMs: number, position: number): JournalRecord {
  const meta: ScrapeMeta = {
    job: 'node',
    labels: { job: 'node', instance: host, node: host },
    scrapeUnixMs: atMs,
    durationSeconds: 0.004,
    up: true,
    error: '',
    contentType: 'text/plain; version=0.0.4',
    honorLabels: false,
    honorTimestamps: true,
    sampleLimit: 0,
    metricRelabelConfigs: [],
  };
  return {
    kind: RecordKind.scrape,
    format: BodyFormat.text,
    encoding: BodyEncoding.identity,
    receivedUnixNano: BigInt(atMs) * 1_000_000n,
    retentionSeconds: 0,
    items: 0,
    source: `scrape:node:${host}`,
    meta: JSON.stringify(meta),
    body: new TextEncoder().encode(shop.exposition(host)),
    position,
    next: position + 1,
  };
}
/** Sends a whole run into the store; returns reason counts of what was dropped (should stay empty). */
function feed(
  store: Store,
  shop: Shop,
  startMs: number,
  endMs: number,
  spent: { simulate: number; ingest: number },
): Record<string, number> {
  const dropped: Record<string, number> = {};
  let record = 0;
  const append = (decode: (position: number) => ReturnType<typeof decodeScrape>): void => {
    const position = positionOf(1, record++);
    const decoded = decode(position);
    for (const [reason, count] of decoded.dropped) dropped[reason] = (dropped[reason] ?? 0) + count;
    store.append({ position, next: positionOf(1, record) }, decoded.batches);
  };
  for (let atMs = startMs + STEP_MS; atMs <= endMs; atMs += STEP_MS) {
    const begun = performance.now();
    const bodies = shop.advance(atMs);
    const simulated = performance.now();
    for (const kind of ['traces', 'logs', 'metrics'] as const) {
      for (const body of bodies[kind]) {
        append(() =>
          decodeOtlp(kind, body, {
            dictionary: store.dictionary,
            receivedUnixNano: BigInt(atMs) * 1_000_000n,
            retentionSeconds: 0,
            limits: LIMITS,
          }),
        );
      }
    }
    for (const host of shop.hosts)
      append((position) => decodeScrape(scrapeRecord(shop, host, atMs, position), { dictionary: store.dictionary, limits: LIMITS }));
    spent.simulate += (simulated - begun) / 1000;
    spent.ingest += (performance.now() - simulated) / 1000;
  }
  return dropped;
}

/**
 * Ranks with what was known when the operator looks, nothing later: observation, anomalies and the incident itself are
 * those of a replay that ends there. null: that replay has no such incident, so it was opened by looking ahead.
 */
async function rankOne(store: Store, observation: Observation, opened: Incident): Promise<RankedIncident | null> {
  const endMs = observation.startMs + observation.buckets * observation.stepMs;
  const lookMs = Math.min(endMs, opened.openedMs + LOOK_AFTER_MS);
  const known = prefixOf(observation, Math.round((lookMs - observation.startMs) / observation.stepMs));
  const { incidents, anomalies } = replay(known, evidenceQueries);
  const incident = incidents.find((candidate) => candidate.openedMs === opened.openedMs);
  if (!incident) return null;
  const { window, baseline } = windowsOf({ onsetMs: incident.onsetMs, resolvedMs: null }, known, lookMs);
  const facets = await readFacets(store, servicesWithMoreErrors(known, window, baseline), window, baseline);
  const rca = rankCauses(
    { observation: { ...known, facets }, anomalies, window, baseline, symptom: incident.symptom, top: 5 },
    evidenceQueries,
  );
  return { incident, rca };
}
/** Cells as the engine reads them, put together on one grid. */
async function observe(store: Store, startMs: number, buckets: number): Promise<Observation> {
  const ring = new ObservationRing(STEP_MS, buckets);
  ring.reset(startMs + buckets * STEP_MS);
  for (let cell = 0; cell < buckets; cell += PART_CELLS) {
    ring.merge(
      await readObservation(store, { startMs: startMs + cell * STEP_MS, stepMs: STEP_MS, buckets: Math.min(PART_CELLS, buckets - cell) }),
    );
  }
  return ring.view();
}
/** Makes a run, judges it and removes what it stored. */
export async function runScenario(options: RunOptions, startMs: number): Promise<RunOutcome> {
  const endMs = startMs + options.minutes * 60_000;
  const dataDir = await mkdtemp(join(tmpdir(), 'faultline-evaluate-'));
  const spent = { simulate: 0, ingest: 0, observe: 0, judge: 0 };
  try {
    const store = await openStore({ dataDir, retentionSeconds: 0, maxSizeBytes: 20e9, limits: LIMITS, nowMs: () => endMs });
    const shop = createShop({ ...options, startMs, durationMs: options.minutes * 60_000 });
    const dropped = feed(store, shop, startMs, endMs, spent);
    const observing = performance.now();
    const observation = await observe(store, startMs, (endMs - startMs) / STEP_MS);
    spent.observe = (performance.now() - observing) / 1000;
    const judging = performance.now();
    const ranked: RankedIncident[] = [];
    let lookedAhead = 0;
    for (const incident of replay(observation, evidenceQueries).incidents) {
      const entry = await rankOne(store, observation, incident);
      if (entry) ranked.push(entry);
      else lookedAhead += 1;
    }
    spent.judge = (performance.now() - judging) / 1000;
    await store.close();
    return { truth: shop.truth(), incidents: ranked, lookedAhead, dropped, seconds: spent };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

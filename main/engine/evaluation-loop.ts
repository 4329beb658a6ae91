import { type CountingDetector, createDetector } from '#analytics/anomaly/detect.ts';
import { type CountingCorrelator, createCorrelator } from '#analytics/incidents/correlate.ts';
import { rankCauses } from '#analytics/rca/rank-causes.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { Anomaly, Incident, TimeWindow } from '#contracts/judgement.ts';
import type { Store } from '#contracts/store.ts';
import type { TableName } from '#contracts/tables.ts';
import { readFacets, servicesWithMoreErrors } from '#store/read/read-facets.ts';
import { readObservation } from '#store/read/read-observation.ts';
import { evidenceQueries } from '#store/sql/read/evidence-sql.ts';
import { COUNTER_REACH_MS } from '#store/sql/read/metrics-sql.ts';
import type { IncidentBook } from './incident-book.ts';
import { LiveReading } from './live-reading.ts';
import { ObservationRing } from './observation-ring.ts';

export const STEP_MS = 10_000;
const BUCKETS = 360;
/** Exporters send every few seconds: a cell is judged this long after its end. */
const LATENESS_MS = 8_000;
/** The newest cell and those that are read again for what came late. */
const LIVE_CELLS = 3;
/** The past hour is read in parts, so that other queries get a turn. */
const PART_CELLS = 30;
/** Rows this far behind the judged edge are a back-fill (or a replay), not lateness. */
const BACKFILL_MS = 60_000;
const BACKFILL_ROWS = 50;
const BACKFILL_CALM_MS = 2_500;
/** Reading the past hour takes no longer than this (and one part). */
const REBUILD_BUDGET_MS = 15_000;
/** Rows this far beside a part may say something of it, others do not: a counter's last value reaches farthest (RELATIVE_MS is less). */
const BESIDE_MS = COUNTER_REACH_MS;
/** A replay hands the thread over after this much work: by time, because a step costs what there are series. */
const TURN_MS = 20;
/** Causes are ranked again on every cell for so long, then once a minute, then no more: the baseline leaves the ring. */
const RANK_EVERY_CELL_MS = 5 * 60_000;
const RANK_UNTIL_MS = 40 * 60_000;
const TOP = 5;
/** No cell is unseen. */
const SEEN = Number.POSITIVE_INFINITY;

export interface EvaluationOptions {
  readonly store: Pick<Store, 'query'>;
  readonly book: IncidentBook;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
/** What judgement had no room for since the engine started. */
export interface LimitCounts {
  /** Series the detector could not hold, once per cell. */
  readonly refusedSubjects: number;
  /** Changes, and anomalies and log lines, that found a full timeline. */
  readonly untoldChanges: number;
  readonly untoldLines: number;
}
const NONE: LimitCounts = { refusedSubjects: 0, untoldChanges: 0, untoldLines: 0 };
/** A judgement that failed: its cells were not judged. */
export interface SkippedJudgement {
  readonly atMs: number;
  /** Error code: query_timeout, query_failed, internal ... */
  readonly code: string;
}
const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/**
 * Judges the last hour on a grid of 10 s of event time: one cell per tick, read by SQL into the ring, then detectors,
 * correlation and causes. Time moves with the clock, so silent senders do not hold it; a back-fill or a restart makes
 * it read the hour again and replay it, which gives the same incidents (their ids do not depend on when one looks).
 */
export class EvaluationLoop {
  readonly ring = new ObservationRing(STEP_MS, BUCKETS);
  lastTickMs = 0;
  rebuilds = 0;
  skipped = 0;
  lastSkipped: SkippedJudgement | null = null;
  private readonly options: EvaluationOptions;
  readonly live: LiveReading;
  private detector: CountingDetector = createDetector();
  private correlator: CountingCorrelator = createCorrelator();
  /** Counts when the last replay began, and what of them it did not count again. */
  private counted = NONE;
  private before = NONE;
  private anomalies: readonly Anomaly[] = [];
  private built = false;
  /** Start of the oldest cell whose reading failed. */
  private unseenMs = SEEN;
  private newRows = 0;
  /** Event time of the newest rows seen: sender clocks run ahead, and a cell is read when its time has come. */
  private newestMs = 0;
  private oldestMs = Number.POSITIVE_INFINITY;
  private lateRows = 0;
  private lastLateMs = 0;
  private nextRebuildMs = 0;
  private rebuildPauseMs = 5_000;
  private busy = false;
  private stopping = false;
  private readonly rankedAtMs = new Map<string, number>();

  constructor(options: EvaluationOptions) {
    this.options = options;
    this.live = new LiveReading(options.store, STEP_MS, LIVE_CELLS);
  }
  /** A replay judges, and counts, the hour again: what both counted is counted once. */
  get limits(): LimitCounts {
    const { counted, before, counts } = this;
    return {
      refusedSubjects: Math.max(counted.refusedSubjects, before.refusedSubjects + counts.refusedSubjects),
      untoldChanges: Math.max(counted.untoldChanges, before.untoldChanges + counts.untoldChanges),
      untoldLines: Math.max(counted.untoldLines, before.untoldLines + counts.untoldLines),
    };
  }
  private get counts(): LimitCounts {
    const { refusedSubjects } = this.detector;
    const { untoldChanges, untoldLines } = this.correlator;
    return { refusedSubjects, untoldChanges, untoldLines };
  }
  /** Tells of rows that have become visible. */
  noteRows(table: TableName, rows: number, oldestMs: number, newestMs: number): void {
    this.live.note(table, oldestMs, newestMs);
    this.newRows += rows;
    this.newestMs = Math.max(this.newestMs, newestMs);
    this.oldestMs = Math.min(this.oldestMs, oldestMs);
    // Also while the hour is read: its newest part, read first, does not hold what becomes visible during the others.
    if (oldestMs >= this.ring.endMs - BACKFILL_MS || oldestMs < this.ring.startMs) return;
    this.lateRows += rows;
    this.lastLateMs = this.options.nowMs();
  }
  /** Call about once a second. Does nothing while an earlier call is at work; never rejects. */
  async tick(): Promise<void> {
    if (this.busy || this.stopping) return;
    this.busy = true;
    try {
      await this.step();
    } catch (error) {
      if (this.stopping) return;
      this.skipped++;
      this.lastSkipped = { atMs: this.options.nowMs(), code: error instanceof FaultlineError ? error.code : 'internal' };
      // What was not read is read with the next cell.
      this.newRows = Math.max(1, this.newRows);
      this.options.log(`cannot judge the newest data: ${describe(error)}`);
    } finally {
      this.busy = false;
    }
  }
  /** The store goes next: what a judgement under way meets then is no failure. */
  stop(): void {
    this.stopping = true;
  }
  private async step(): Promise<void> {
    const now = this.options.nowMs();
    const edge = Math.floor((now - LATENESS_MS) / STEP_MS) * STEP_MS;
    if (this.mustRebuild(now) || edge - this.ring.endMs > BUCKETS * STEP_MS) return this.rebuild(edge, now);
    while (this.ring.endMs < edge) await this.evaluate(this.ring.endMs + STEP_MS);
  }
  private mustRebuild(now: number): boolean {
    if (!this.built) return now >= this.nextRebuildMs;
    if (this.lateRows < BACKFILL_ROWS || now < this.nextRebuildMs) return false;
    return now - this.lastLateMs >= BACKFILL_CALM_MS || now - this.nextRebuildMs > 60_000;
  }

  private async evaluate(endMs: number): Promise<void> {
    this.ring.advance(endMs);
    const hasNews = this.newRows > 0 || this.newestMs >= endMs - STEP_MS;
    this.newRows = 0;
    if (hasNews) await this.look(endMs);
    const observation = this.ring.view();
    this.anomalies = this.detector.push(observation, BUCKETS - 1, evidenceQueries);
    for (const incident of this.correlator.step(endMs, this.anomalies, observation)) await this.options.book.take(incident);
    await this.rankOpen(endMs);
    this.lastTickMs = this.options.nowMs();
  }

  /** Puts the newest cells into the ring, and those before them that nobody could read when they were the newest. */
  private async look(endMs: number): Promise<void> {
    const startMs = Math.max(this.unseenMs, this.ring.startMs);
    this.unseenMs = Math.min(this.unseenMs, endMs - STEP_MS);
    await this.readCells(startMs, endMs - LIVE_CELLS * STEP_MS);
    this.ring.merge(await this.live.read(endMs));
    this.unseenMs = SEEN;
  }
  private async readCells(startMs: number, endMs: number): Promise<void> {
    const { catalog } = this.live;
    for (let at = startMs; at < endMs; at += PART_CELLS * STEP_MS) {
      const buckets = Math.min(PART_CELLS, (endMs - at) / STEP_MS);
      this.ring.merge(await readObservation(this.options.store, { startMs: at, stepMs: STEP_MS, buckets }, { catalog }));
    }
  }

  /** Reads the hour again and judges it from its start. */
  private async rebuild(edge: number, now: number): Promise<void> {
    this.rebuilds++;
    this.lateRows = 0;
    this.newRows = 0;
    // Until it is through: what fails on the way is tried again, later each time.
    this.built = false;
    this.nextRebuildMs = now + this.rebuildPauseMs;
    // A sender that is late for ever must not make this a habit.
    this.rebuildPauseMs = Math.min(300_000, this.rebuildPauseMs * 2);
    const startMs = edge - BUCKETS * STEP_MS;
    this.ring.reset(edge);
    this.unseenMs = SEEN;
    this.live.forget();
    await this.readHour(startMs);
    this.built = true;
    await this.replay();
  }
  /** Newest part first, so that too much data for the time there is costs the oldest part of the baseline only. */
  private async readHour(startMs: number): Promise<void> {
    const startedAt = performance.now();
    for (let cell = BUCKETS - PART_CELLS; cell >= 0; cell -= PART_CELLS) {
      const partMs = startMs + cell * STEP_MS;
      const partEndMs = partMs + PART_CELLS * STEP_MS;
      // On an empty store the twelve parts of nothing were 130 statements and most of what a start costs (0.7 s of CPU of 1.6).
      if (this.mayHold(partMs, partEndMs)) await this.readCells(partMs, partEndMs);
      this.ring.lookFrom(partMs);
      if (performance.now() - startedAt > REBUILD_BUDGET_MS) return;
    }
  }
  private mayHold(startMs: number, endMs: number): boolean {
    return this.newestMs >= startMs - BESIDE_MS && this.oldestMs < endMs + BESIDE_MS;
  }
  private async replay(): Promise<void> {
    this.counted = this.limits;
    this.before = NONE;
    this.detector = createDetector();
    this.correlator = createCorrelator();
    const observation = this.ring.view();
    const latest = new Map<string, Incident>();
    let turnStartedMs = performance.now();
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.anomalies = this.detector.push(observation, bucket, evidenceQueries);
      const atMs = observation.startMs + (bucket + 1) * STEP_MS;
      for (const incident of this.correlator.step(atMs, this.anomalies, observation)) latest.set(incident.id, incident);
      if (performance.now() - turnStartedMs < TURN_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnStartedMs = performance.now();
    }
    const { counted, counts } = this;
    this.before = {
      refusedSubjects: Math.max(0, counted.refusedSubjects - counts.refusedSubjects),
      untoldChanges: Math.max(0, counted.untoldChanges - counts.untoldChanges),
      untoldLines: Math.max(0, counted.untoldLines - counts.untoldLines),
    };
    for (const incident of latest.values()) {
      const taken = await this.options.book.take(incident);
      if (taken.status === 'resolved' && taken.rca === null) await this.rank(taken, taken.resolvedMs ?? this.ring.endMs);
    }
    // Open in the store, but this hour does not speak for them any more.
    for (const incident of this.options.book.open())
      if (!latest.has(incident.id)) await this.options.book.close(incident.id, this.ring.endMs);
    await this.rankOpen(this.ring.endMs);
    this.lastTickMs = this.options.nowMs();
  }

  private async rankOpen(nowMs: number): Promise<void> {
    for (const incident of this.options.book.open()) {
      const age = nowMs - incident.openedMs;
      const since = nowMs - (this.rankedAtMs.get(incident.id) ?? 0);
      if (incident.rca !== null && (age > RANK_UNTIL_MS || since < (age < RANK_EVERY_CELL_MS ? STEP_MS : 60_000))) continue;
      await this.rank(incident, nowMs);
    }
  }
  private async rank(incident: Incident, untilMs: number): Promise<void> {
    this.rankedAtMs.set(incident.id, untilMs);
    const window: TimeWindow = { startMs: incident.onsetMs, endMs: Math.max(untilMs, incident.onsetMs + STEP_MS) };
    const baseline: TimeWindow = { startMs: this.ring.startMs, endMs: Math.max(this.ring.startMs, incident.onsetMs) };
    const view = this.ring.view();
    const facets = await readFacets(this.options.store, servicesWithMoreErrors(view, window, baseline), window, baseline);
    const anomalies = incident.anomalies.length > 0 ? mergeAnomalies(incident.anomalies, this.anomalies) : this.anomalies;
    const rca = rankCauses(
      { observation: { ...view, facets }, anomalies, window, baseline, symptom: incident.symptom, top: TOP },
      evidenceQueries,
    );
    await this.options.book.rank(incident.id, rca, untilMs);
  }
}

/** The newest word on each subject. */
export function mergeAnomalies(...lists: readonly (readonly Anomaly[])[]): Anomaly[] {
  const bySubject = new Map<string, Anomaly>();
  for (const anomaly of lists.flat()) {
    const key = `${anomaly.kind}\0${Object.values(anomaly.subject).join('\0')}`;
    const before = bySubject.get(key);
    if (!before || anomaly.untilMs >= before.untilMs) bySubject.set(key, anomaly);
  }
  return [...bySubject.values()];
}

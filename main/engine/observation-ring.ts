import type { Change } from '#contracts/judgement.ts';
import type { Observation, Placement } from '#contracts/observation.ts';
import { deriveChanges, type ProcessStart } from '#store/read/derive-changes.ts';
import { fillQuiet } from '#store/read/fill-quiet.ts';
import type { ObservationPart } from '#store/read/read-observation.ts';

/** Rows of each list judgement looks at, at most. */
export const MAX_JUDGED_ROWS = 20_000;
type Row = Readonly<Record<string, unknown>>;
const LISTS = {
  services: (r: Row) => `${r['service']}\0${r['instance'] ?? ''}`,
  edges: (r: Row) => `${r['from']}\0${r['to']}`,
  metrics: (r: Row) => String(r['seriesId']),
  logs: (r: Row) => `${r['service']}\0${r['severity']}\0${r['pattern']}`,
} as const;
type List = keyof typeof LISTS;
const LIST_NAMES = Object.keys(LISTS) as List[];
/** Told by a log record; the others are derived again from all the ring holds. A version that takes no other's place is no deployment. */
const isLogged = ({ kind, from }: Change): boolean => kind === 'config' || kind === 'flag' || (kind === 'deploy' && from === '');
const arraysOf = (row: Row): [string, Float64Array][] =>
  Object.entries(row).filter((e): e is [string, Float64Array] => e[1] instanceof Float64Array);

/**
 * The last hour as one observation, kept cell by cell: a tick reads only its newest cells and moves the rest along.
 * Memory: 8 bytes a cell for every series. Rows nothing is left of are dropped; at most `maxRows` per list are kept
 * (`refused` counts the others).
 */
export class ObservationRing {
  readonly stepMs: number;
  readonly buckets: number;
  /** End of the newest cell; the ring covers [endMs - buckets * stepMs, endMs). */
  endMs = 0;
  refused = 0;
  /** Of these, those of the newest merge: what goes unjudged now. */
  refusedNow = 0;
  private readonly maxRows: number;
  private readonly rows: Record<List, Map<string, Row>> = { services: new Map(), edges: new Map(), metrics: new Map(), logs: new Map() };
  private readonly placements = new Map<string, Placement>();
  private readonly starts = new Map<string, ProcessStart>();
  private logged: Change[] = [];
  private lookedFromMs = 0;

  constructor(stepMs: number, buckets: number, maxRows = MAX_JUDGED_ROWS) {
    this.stepMs = stepMs;
    this.buckets = buckets;
    this.maxRows = maxRows;
  }
  get startMs(): number {
    return this.endMs - this.buckets * this.stepMs;
  }
  /** Empty, ending at `endMs`. */
  reset(endMs: number): void {
    for (const list of LIST_NAMES) this.rows[list].clear();
    this.placements.clear();
    this.starts.clear();
    this.logged = [];
    this.endMs = endMs;
    this.lookedFromMs = 0;
  }
  /** What was there when looking began is no change: nothing at or before `fromMs` is news. */
  lookFrom(fromMs: number): void {
    this.lookedFromMs = fromMs;
  }
  /** Moves on to `endMs`; new cells hold nothing yet. */
  advance(endMs: number): void {
    const cells = Math.min(this.buckets, Math.round((endMs - this.endMs) / this.stepMs));
    if (cells <= 0) return;
    this.endMs = endMs;
    for (const list of LIST_NAMES) {
      for (const [key, row] of this.rows[list]) {
        let left = false;
        for (const [, values] of arraysOf(row)) {
          values.copyWithin(0, cells);
          values.fill(Number.NaN, this.buckets - cells);
          left ||= values.some((value) => !Number.isNaN(value));
        }
        if (!left) this.rows[list].delete(key);
      }
    }
    const oldest = this.startMs;
    for (const [key, place] of this.placements) if (place.lastSeenMs < oldest - 3_600_000) this.placements.delete(key);
    for (const [key, start] of this.starts) if (start.seenMs < oldest - 24 * 3_600_000) this.starts.delete(key);
    this.logged = this.logged.filter((change) => change.atMs >= oldest);
  }
  /** Writes the cells of a part over the ring's. The part must end within the ring. */
  merge(part: ObservationPart): void {
    const offset = Math.round((part.startMs - this.startMs) / this.stepMs);
    this.refusedNow = 0;
    for (const list of LIST_NAMES) for (const row of part[list]) this.mergeRow(list, row as unknown as Row, offset);
    const counted = (list: List): never => this.rows[list].values() as never;
    fillQuiet({ services: counted('services'), edges: counted('edges'), logs: counted('logs') }, part.alive, part.buckets, offset);
    for (const place of part.placements) {
      const key = `${place.service}\0${place.instance}\0${place.version ?? ''}`;
      const before = this.placements.get(key);
      const firstSeenMs = Math.min(place.firstSeenMs, before?.firstSeenMs ?? place.firstSeenMs);
      this.placements.set(key, { ...place, firstSeenMs, lastSeenMs: Math.max(place.lastSeenMs, before?.lastSeenMs ?? 0) });
    }
    for (const start of part.starts) {
      const key = `${start.service}\0${start.instance}\0${start.startedMs}`;
      if (!this.starts.has(key)) this.starts.set(key, start);
    }
    const said = new Set(this.logged.map((c) => `${c.atMs}\0${c.service}\0${c.to}`));
    this.logged.push(...part.changes.filter((c) => isLogged(c) && !said.has(`${c.atMs}\0${c.service}\0${c.to}`)));
  }
  private mergeRow(list: List, row: Row, offset: number): void {
    const key = LISTS[list](row);
    let target = this.rows[list].get(key);
    if (!target) {
      if (this.rows[list].size >= this.maxRows) {
        this.refused++;
        this.refusedNow++;
        return;
      }
      const copy: Record<string, unknown> = { ...row };
      for (const [name] of arraysOf(row)) copy[name] = new Float64Array(this.buckets).fill(Number.NaN);
      target = copy;
      this.rows[list].set(key, target);
    }
    for (const [name, values] of arraysOf(row)) {
      const into = target[name] as Float64Array;
      for (let i = 0; i < values.length; i++) {
        const at = offset + i;
        if (at >= 0 && at < this.buckets && !Number.isNaN(values[i] as number)) into[at] = values[i] as number;
      }
    }
  }
  /** The ring as an observation. Lent: valid until the next call that changes the ring. */
  view(): Observation {
    const placements = [...this.placements.values()];
    const derived = deriveChanges(placements, [...this.starts.values()], this.lookedFromMs).filter((c) => c.atMs >= this.startMs);
    const changes = [...derived, ...this.logged].sort((a, b) => a.atMs - b.atMs);
    const list = (name: List): never => [...this.rows[name].values()] as never;
    return {
      startMs: this.startMs,
      stepMs: this.stepMs,
      buckets: this.buckets,
      services: list('services'),
      edges: list('edges'),
      metrics: list('metrics'),
      logs: list('logs'),
      placements: placements.filter((p) => p.lastSeenMs >= this.startMs),
      changes,
      facets: [],
    };
  }
}

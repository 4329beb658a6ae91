import type { QueryOptions } from '#contracts/store.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { readSeriesSamples, type SeriesSamples } from '#store/read/read-series-samples.ts';

/** What one thread keeps at most. */
export const CACHE_BYTES = 64 * 1_048_576;
/** Of one series beside its samples. */
const SERIES_BYTES = 160;
/** Reads after which a slab nobody asked for makes room for one that is older in time. */
const UNUSED_AFTER = 64;

/** All samples of some series with `from` <= time < `to`, whole milliseconds, as one read found them. */
interface Slab {
  readonly from: number;
  /** Falls when samples come at that time or later. */
  to: number;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly bytes: number;
  /** Series that have their samples in it. */
  members: number;
  usedAt: number;
}
/** Where in its slab a series lies. Series of one target have the same times, which are there once. */
interface Kept {
  readonly slab: Slab;
  readonly timesAt: number;
  readonly valuesAt: number;
  readonly count: number;
}
/** A part of a series' samples, to be copied. */
interface Piece {
  readonly times: Float64Array;
  readonly values: Float64Array;
}
/**
 * Samples with a time in (startMs, endMs], whole milliseconds, in time order; series without any are left out. Not to be written to.
 * `count` is told of them as they are read, and throws when they are too many.
 */
export interface ReadWanted {
  readonly ids: readonly number[];
  readonly startMs: number;
  readonly endMs: number;
  readonly options: QueryOptions;
  readonly count: (samples: number) => void;
}

/**
 * Samples that queries of a thread have read, for those that ask again: a dashboard drawn anew reads only what has come since. Exact by what
 * the store says of its changes (`drop`, contracts/store.ts SampleWatch): nothing is used from the earliest time on at which samples have
 * come since. What a read under way will find may be older than such news, so it is for that read too.
 */
export class SampleCache {
  readonly maxBytes: number;
  /** Bytes kept; samples given without reading them, and read. */
  readonly counts = { bytes: 0, reused: 0, read: 0 };
  private readonly series = new Map<number, Kept>();
  private readonly slabs = new Set<Slab>();
  private readonly reading = new Set<{ to: number }>();
  private reads = 0;

  constructor(maxBytes = CACHE_BYTES) {
    this.maxBytes = maxBytes;
  }
  /** Samples of this time or later are not what they were. -Infinity: none is. */
  drop(sinceMs: number): void {
    for (const read of this.reading) read.to = Math.min(read.to, sinceMs);
    for (const slab of this.slabs) {
      slab.to = Math.min(slab.to, sinceMs);
      if (slab.to <= slab.from) this.remove(slab);
    }
  }
  async read(store: Queries, wanted: ReadWanted): Promise<SeriesSamples[]> {
    const [from, to] = [Math.floor(wanted.startMs) + 1, Math.floor(wanted.endMs) + 1];
    if (this.maxBytes === 0) {
      // Nothing is kept, so nothing is laid out to be: a replay reads millions once.
      const fresh = await this.fetch(store, wanted, wanted.ids, from, to);
      return wanted.ids.flatMap((seriesId) => {
        const piece = fresh.get(seriesId);
        return piece ? [{ seriesId, timesMs: piece.times, values: piece.values }] : [];
      });
    }
    this.reads++;
    const whole = this.wholeOf(wanted, from, to);
    if (whole) return whole;
    const { known, knownTo } = this.knownOf(wanted.ids, from, to);
    const found = new Map(known);
    const under = { to };
    this.reading.add(under);
    try {
      const unknown = known.size === 0 ? wanted.ids : wanted.ids.filter((id) => !known.has(id));
      if (unknown.length > 0) {
        const fresh = await this.fetch(store, wanted, unknown, from, to);
        this.keep(
          laidOut(unknown, (id) => [fresh.get(id) ?? NONE], from, Math.min(to, under.to)),
          found,
        );
      }
      if (known.size > 0 && knownTo < to) {
        const fresh = await this.fetch(store, wanted, [...known.keys()], knownTo, to);
        const begin = this.beginOf(known, from);
        const piecesOf = (id: number): Piece[] => [pieceOf(known.get(id) as Kept, begin, knownTo), fresh.get(id) ?? NONE];
        this.keep(laidOut([...known.keys()], piecesOf, begin, Math.min(to, under.to)), found);
      }
    } finally {
      this.reading.delete(under);
    }
    for (const kept of known.values()) {
      const { times } = pieceOf(kept, from, knownTo);
      wanted.count(times.length);
      this.counts.reused += times.length;
    }
    return cut(wanted.ids, found, from, to);
  }

  /** Where all is known, as it is for a dashboard's second panel. */
  private wholeOf({ ids, count }: ReadWanted, from: number, to: number): SeriesSamples[] | null {
    for (const id of ids) {
      const slab = this.series.get(id)?.slab;
      if (!slab || slab.from > from || slab.to < to) return null;
      slab.usedAt = this.reads;
    }
    const samples = cut(ids, this.series, from, to);
    const size = samples.reduce((sum, { timesMs }) => sum + timesMs.length, 0);
    count(size);
    this.counts.reused += size;
    return samples;
  }
  /** Series whose samples are known from `from` to `knownTo`: none unless they save more than a second statement costs. */
  private knownOf(ids: readonly number[], from: number, to: number): { known: Map<number, Kept>; knownTo: number } {
    const known = new Map<number, Kept>();
    let knownTo = to;
    for (const id of ids) {
      const kept = this.series.get(id);
      if (!kept || kept.slab.from > from || (kept.slab.to - from) * 2 < to - from) continue;
      known.set(id, kept);
      knownTo = Math.min(knownTo, kept.slab.to);
      kept.slab.usedAt = this.reads;
    }
    return known.size * 2 < ids.length ? { known: new Map(), knownTo } : { known, knownTo };
  }
  /** Where what is kept of these begins: as early as all of them are known, while that is little. */
  private beginOf(known: ReadonlyMap<number, Kept>, from: number): number {
    let [begin, samples] = [Number.NEGATIVE_INFINITY, 0];
    for (const { slab, count } of known.values()) {
      begin = Math.max(begin, slab.from);
      samples += count;
    }
    return samples * 16 * 4 <= this.maxBytes ? begin : from;
  }
  private async fetch(
    store: Queries,
    { options, count }: ReadWanted,
    ids: readonly number[],
    from: number,
    to: number,
  ): Promise<ReadonlyMap<number, Piece>> {
    const pieces = new Map<number, Piece>();
    // What lies less than 0.5 us before `from` is of it: see below.
    for (const { seriesId, timesMs, values } of await readSeriesSamples(store, ids, from - 1, to, options)) {
      count(timesMs.length);
      this.counts.read += timesMs.length;
      // Whole milliseconds are what PromQL knows; of nanoseconds in a double a little is lost.
      for (let i = 0; i < timesMs.length; i++) timesMs[i] = Math.floor((timesMs[i] as number) + 0.0005);
      const [begin, end] = [placeOf(timesMs, 0, timesMs.length, from), placeOf(timesMs, 0, timesMs.length, to)];
      if (begin < end) pieces.set(seriesId, { times: timesMs.subarray(begin, end), values: values.subarray(begin, end) });
    }
    return pieces;
  }
  /** Puts them among what was found, and keeps them unless that is too much. */
  private keep(placed: ReadonlyMap<number, Kept>, found: Map<number, Kept>): void {
    let slab: Slab | null = null;
    for (const [id, kept] of placed) {
      found.set(id, kept);
      slab = kept.slab;
      if (slab.bytes * 2 > this.maxBytes || slab.to <= slab.from) continue;
      const old = this.series.get(id);
      // The newer is asked for again sooner.
      if (old && old.slab.to > slab.to && this.reads - old.slab.usedAt < UNUSED_AFTER) continue;
      if (old && --old.slab.members === 0) this.forget(old.slab);
      this.series.set(id, kept);
      slab.members++;
    }
    if (!slab || slab.members === 0) return;
    slab.usedAt = this.reads;
    this.slabs.add(slab);
    this.counts.bytes += slab.bytes;
    while (this.counts.bytes > this.maxBytes) this.remove([...this.slabs].reduce((a, b) => (b.usedAt < a.usedAt ? b : a)));
  }
  private remove(slab: Slab): void {
    for (const [id, kept] of this.series) if (kept.slab === slab) this.series.delete(id);
    this.forget(slab);
  }
  private forget(slab: Slab): void {
    if (this.slabs.delete(slab)) this.counts.bytes -= slab.bytes;
  }
}
const NONE: Piece = { times: new Float64Array(0), values: new Float64Array(0) };

/** Of the first time of [start, end) that is not before. */
function placeOf(times: Float64Array, start: number, end: number, ms: number): number {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
function pieceOf({ slab, timesAt, valuesAt, count }: Kept, from: number, to: number): Piece {
  const begin = placeOf(slab.times, timesAt, timesAt + count, from);
  const end = placeOf(slab.times, begin, timesAt + count, to);
  const shift = valuesAt - timesAt;
  return { times: slab.times.subarray(begin, end), values: slab.values.subarray(begin + shift, end + shift) };
}
/** A slab of the series, its values bit for bit. */
function laidOut(ids: readonly number[], piecesOf: (id: number) => readonly Piece[], from: number, to: number): Map<number, Kept> {
  const all = ids.map((id) => piecesOf(id));
  const size = all.reduce((sum, pieces) => pieces.reduce((own, { times }) => own + times.length, sum), 0);
  const values = new Float64Array(size);
  const times = new Float64Array(size);
  const places: { id: number; timesAt: number; valuesAt: number; count: number }[] = [];
  let [timesEnd, valuesEnd, before, beforeCount] = [0, 0, 0, -1];
  ids.forEach((id, n) => {
    let count = 0;
    for (const piece of all[n] as readonly Piece[]) {
      times.set(piece.times, timesEnd + count);
      values.set(piece.values, valuesEnd + count);
      count += piece.times.length;
    }
    const isSame = count === beforeCount && areEqual(times, before, timesEnd, count);
    places.push({ id, timesAt: isSame ? before : timesEnd, valuesAt: valuesEnd, count });
    if (!isSame) {
      [before, beforeCount] = [timesEnd, count];
      timesEnd += count;
    }
    valuesEnd += count;
  });
  const ownTimes = timesEnd * 2 < size ? times.slice(0, timesEnd) : times;
  const bytes = ownTimes.byteLength + values.byteLength + ids.length * SERIES_BYTES;
  const slab: Slab = { from, to, times: ownTimes, values, bytes, members: 0, usedAt: 0 };
  return new Map(places.map(({ id, timesAt, valuesAt, count }) => [id, { slab, timesAt, valuesAt, count }]));
}
function areEqual(times: Float64Array, a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (times[a + i] !== times[b + i]) return false;
  return true;
}
/** What of the found lies in [from, to), in the order of the ids. */
function cut(ids: readonly number[], found: ReadonlyMap<number, Kept>, from: number, to: number): SeriesSamples[] {
  const samples: SeriesSamples[] = [];
  let last: Kept | null = null;
  let [begin, end, timesMs] = [0, 0, NONE.times];
  for (const id of ids) {
    const kept = found.get(id) as Kept;
    const { slab, timesAt, valuesAt, count } = kept;
    if (!last || last.slab !== slab || last.timesAt !== timesAt || last.count !== count) {
      begin = placeOf(slab.times, timesAt, timesAt + count, from);
      end = placeOf(slab.times, begin, timesAt + count, to);
      timesMs = slab.times.subarray(begin, end);
      last = kept;
    }
    const shift = valuesAt - timesAt;
    if (begin < end) samples.push({ seriesId: id, timesMs, values: slab.values.subarray(begin + shift, end + shift) });
  }
  return samples;
}

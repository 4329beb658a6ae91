import type { Dictionary, SeriesRow } from '#contracts/columns.ts';
import type { JournalPosition } from '#contracts/journal.ts';
import { type CompiledLimit, compileLimits, keyOf, type LimitedSource, MAX_COUNTED, OTHER_SOURCES } from '#contracts/limited-source.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';
import { DictionaryFace } from '../rules/dictionary-face.ts';
import { IdSet } from './id-set.ts';

/** Id of a series its source has no room for: no row of the dictionary, and below those of rules (rules/rule-dictionary.ts). */
export const LIMITED = 0x7fff_ffff;

export interface Admitted extends LimitedSource {
  readonly maxSeries: number;
  readonly ids: IdSet;
}
/**
 * Which series may come in from a position of the journal on, until the day ends or the limits change. A series that is in stays in, and
 * a source that is full stays full: so whoever replays records with what was known later decides the same.
 */
export class SeriesLimits {
  readonly from: JournalPosition;
  readonly day: string;
  readonly limits: SourceLimits;
  readonly admitted = new Map<string, Admitted>();
  /** Sources that had no room for a series. */
  readonly full = new Set<string>();
  private readonly compiled: readonly CompiledLimit[];
  private readonly fitting = new Map<string, readonly CompiledLimit[]>();
  /** One for each source and dictionary: decoders remember ids by the dictionary that gave them. */
  private readonly faces = new Map<string, { readonly of: Dictionary; readonly face: Dictionary }>();

  constructor(from: JournalPosition, day: string, limits: SourceLimits) {
    this.from = from;
    this.day = day;
    this.limits = limits;
    this.compiled = compileLimits(limits).filter(({ limit }) => limit.maxSeries !== undefined);
  }
  get hasLimits(): boolean {
    return this.compiled.length > 0;
  }
  watches(source: string): boolean {
    return this.fittingOf(source).length > 0;
  }
  private fittingOf(source: string): readonly CompiledLimit[] {
    if (this.compiled.length === 0) return this.compiled;
    let fitting = this.fitting.get(source);
    if (!fitting) {
      fitting = this.compiled.filter((each) => each.source(source));
      this.fitting.set(source, fitting);
    }
    return fitting;
  }
  /** The same ids under another identity: what a decoder remembers of this source holds for as long as this object does. */
  faceOf(source: string, dictionary: Dictionary): Dictionary {
    const known = this.faces.get(source);
    if (known?.of === dictionary) return known.face;
    const face = new DictionaryFace(dictionary);
    this.faces.set(source, { of: dictionary, face });
    return face;
  }
  /** What a series counts for. */
  countsOf(source: string, service: string): Admitted[] {
    return this.fittingOf(source)
      .filter((each) => each.service(service))
      .map(({ name, ofService }) => this.countOf({ name, source, service: ofService ? service : null }));
  }
  private countOf(of: LimitedSource): Admitted {
    const known = this.admitted.get(keyOf(of));
    if (known) return known;
    if (this.admitted.size >= MAX_COUNTED && of.source !== OTHER_SOURCES)
      return this.countOf({ name: of.name, source: OTHER_SOURCES, service: null });
    return this.put(of, new IdSet());
  }
  /** @returns a count with these series in it */
  put(of: LimitedSource, ids: IdSet): Admitted {
    const count: Admitted = { ...of, maxSeries: this.limits[of.name]?.maxSeries ?? Number.POSITIVE_INFINITY, ids };
    this.admitted.set(keyOf(of), count);
    return count;
  }
}

/** Between decoders (with the rules) and the store's dictionary: a series its source has no room for gets no row there. */
export class LimitDictionary extends DictionaryFace {
  /** What holds for the record being decoded; null: nothing. `source`: its receiver. */
  gate: SeriesLimits | null = null;
  source = '';
  /** A series was let in. */
  onAdmitted: () => void = () => undefined;

  override series(key: string, row: () => SeriesRow): number {
    const { gate, source } = this;
    if (gate === null) return this.inner.series(key, row);
    const known = row();
    const counts = gate.countsOf(source, known.service);
    const id = this.inner.seriesId?.(key);
    const full = counts.filter(({ ids, maxSeries }) => ids.size >= maxSeries && (id === undefined || !ids.has(id)));
    if (full.length > 0) {
      gate.full.add(source);
      return LIMITED;
    }
    const admitted = id ?? this.inner.series(key, () => known);
    if (admitted === 0) return 0;
    for (const { ids } of counts) {
      if (ids.has(admitted)) continue;
      ids.add(admitted);
      this.onAdmitted();
    }
    return admitted;
  }
}

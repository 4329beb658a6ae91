import type { Attributes, Dictionary, ResourceRow, SeriesRow } from '#contracts/columns.ts';
import { DictionaryFace } from './dictionary-face.ts';
import { type CompiledRule, matchesSeries } from './match-rule.ts';
import type { Fold, FoldedSeries, Target, Windows } from './windows.ts';

/** Ids from here on are no rows of the dictionary: they say what becomes of a series. No dictionary gets so far (limits.maxSeries). */
export const RULED = 0x8000_0000;
/** What a rule does with a series: nothing of it is stored, or it is folded into another. */
export interface Verdict {
  readonly rule: CompiledRule;
  readonly folded: FoldedSeries | null;
}
const INSTANCE_KEYS = ['instance', 'service.instance.id'];
const NONE: Attributes = { keys: [], values: [], types: '' };

/** @returns null for a series the rule leaves alone: histograms cannot be folded */
export function foldOf(row: SeriesRow, without: readonly string[], op: 'sum' | 'avg' | 'last'): Fold | null {
  if (row.numberType === '') return null;
  // Thinned out: the series stays what it is.
  if (op === 'last' && without.length === 0) return 'last';
  if (row.temporality === 'delta') return 'total';
  return row.monotonic || row.temporality === 'cumulative' ? 'increase' : op;
}
function withoutKeys({ keys, values, types }: Attributes, without: readonly string[]): Attributes {
  const kept = keys.map((_, i) => i).filter((i) => !without.includes(keys[i] as string));
  return {
    keys: kept.map((i) => keys[i] as string),
    values: kept.map((i) => values[i] as string),
    types: kept.map((i) => types[i] ?? 's').join(''),
  };
}
/** The series others are folded into. */
export function targetOf(row: SeriesRow, without: readonly string[], fold: Fold): Target {
  const attributes = withoutKeys(row.attributes, without);
  const merged = without.some((key) => INSTANCE_KEYS.includes(key));
  const isCounter = fold === 'increase' || fold === 'total';
  const folded: SeriesRow = {
    ...row,
    attributes,
    numberType: 'd',
    ...(isCounter ? { type: row.type === 'histogram' ? 'histogram' : 'sum', temporality: 'delta' as const, monotonic: row.monotonic } : {}),
  };
  const parts = [row.metric, folded.type, row.unit, folded.temporality, String(row.monotonic), row.source, row.service];
  const place = merged ? 'merged' : `${row.resourceId} ${row.scopeId}`;
  return { key: ['folded', ...parts, place, ...attributes.keys, '', ...attributes.values].join('\0'), row: folded, merged };
}

/**
 * The store's dictionary as decoders see it while rules are in force: a series a rule is about gets an id that says so and no row of the
 * dictionary. One for each set of rules: decoders remember ids by the dictionary that gave them.
 */
export class RuleDictionary extends DictionaryFace {
  /** Receiver of the record being decoded. */
  source = '';
  private readonly rules: readonly CompiledRule[];
  private readonly windows: ReadonlyMap<string, Windows>;
  private readonly verdicts: Verdict[] = [];
  private readonly dropIds = new Map<CompiledRule, number>();
  private readonly foldedIds = new Map<FoldedSeries, number>();
  private readonly limit: number;

  constructor(inner: Dictionary, rules: readonly CompiledRule[], windows: ReadonlyMap<string, Windows>, limit: number) {
    super(inner);
    this.rules = rules.filter(({ rule }) => rule.signal === 'metrics');
    this.windows = windows;
    this.limit = limit;
  }
  override series(key: string, row: () => SeriesRow): number {
    if (this.rules.length === 0) return this.inner.series(key, row);
    const known = row();
    const rule = this.rules.find((each) => matchesSeries(each, this.source, known));
    if (!rule) return this.inner.series(key, () => known);
    const { action } = rule.rule;
    if (action.kind !== 'aggregate') return this.dropId(rule);
    const fold = foldOf(known, action.without, action.op);
    if (fold === null) return this.inner.series(key, () => known);
    return this.foldedId(rule, key, () => {
      const target = targetOf(known, action.without, fold);
      const same = this.windows.get(rule.rule.id)?.targets;
      const shared = same?.get(target.key) ?? target;
      same?.set(target.key, shared);
      return { target: shared, fold, lastMs: 0, lastValue: 0, lastWindow: -1 };
    });
  }
  verdict(id: number): Verdict {
    return this.verdicts[id - RULED] as Verdict;
  }
  /** Id of the series rows are folded into. @returns 0 when the dictionary takes no more */
  targetId({ key, row, merged }: Target): number {
    if (!merged) return this.inner.series(key, () => row);
    const { service } = row;
    const resource: ResourceRow = {
      service,
      serviceNamespace: null,
      serviceInstanceId: null,
      serviceVersion: null,
      attributes: { keys: ['service.name'], values: [service], types: 's' },
      droppedAttributesCount: 0,
      schemaUrl: '',
      entityRefs: '',
    };
    return this.inner.series(key, () => ({
      ...row,
      resourceId: this.inner.resource(`folded\0${service}`, () => resource),
      scopeId: 0,
      metadata: NONE,
    }));
  }

  private dropId(rule: CompiledRule): number {
    let id = this.dropIds.get(rule);
    if (id === undefined) {
      id = RULED + this.verdicts.push({ rule, folded: null }) - 1;
      this.dropIds.set(rule, id);
    }
    return id;
  }
  private foldedId(rule: CompiledRule, key: string, make: () => FoldedSeries): number {
    const windows = this.windows.get(rule.rule.id);
    let folded = windows?.series.get(key);
    if (!folded) {
      if (this.verdicts.length >= this.limit) return 0;
      folded = make();
      windows?.series.set(key, folded);
    }
    let id = this.foldedIds.get(folded);
    if (id === undefined) {
      id = RULED + this.verdicts.push({ rule, folded }) - 1;
      this.foldedIds.set(folded, id);
    }
    return id;
  }
}

import { z } from 'zod';
import type { DecodedRecord, Dictionary } from '#contracts/columns.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { JournalPosition, JournalRecord } from '#contracts/journal.ts';
import type { Store } from '#contracts/store.ts';
import {
  MAX_RULES,
  type RuleCounts,
  type RulesAnswer,
  rulesAnswerSchema,
  type VolumeRule,
  volumeRuleSchema,
} from '#contracts/volume-rules.ts';
import { type Needs, RuleSet } from './apply-rules.ts';

const STATE_KEY = 'volume.rules';
const MAX_AUDIT = 200;
const versionSchema = z.object({ from: z.number(), rules: z.array(volumeRuleSchema) });
const savedSchema = z.object({
  /** Oldest first; the last is in force. Earlier ones are kept while a replay may begin before the next. */
  versions: z.array(versionSchema),
  changedMs: z.record(z.string(), z.number()),
  audit: rulesAnswerSchema.shape.audit,
});
type Saved = z.infer<typeof savedSchema>;
type Did = RulesAnswer['audit'][number]['did'];

export interface RuleBookParts {
  readonly store: Pick<Store, 'getState' | 'setState' | 'released'>;
  /** What a series that no rule is about is asked of. */
  readonly dictionary: Dictionary;
  /** Runs `work` while no record is being taken; `from`: position of the next. */
  readonly between: <T>(work: (from: JournalPosition) => Promise<T>) => Promise<T>;
  readonly maxSeries: number;
  readonly nowMs: () => number;
}
/**
 * The rules, which of them holds from which position of the journal on, and what they did. A change is durable before the first record
 * it applies to is decoded, so a replay after a kill decodes each record by the rules that held for it.
 */
export class RuleBook {
  readonly counts = new Map<string, RuleCounts>();
  private readonly parts: RuleBookParts;
  private saved: Saved = { versions: [], changedMs: {}, audit: [] };
  private sets: { readonly from: JournalPosition; readonly set: RuleSet }[] = [];
  private current: RuleSet | null = null;

  constructor(parts: RuleBookParts) {
    this.parts = parts;
  }
  async load(): Promise<void> {
    const json = await this.parts.store.getState(STATE_KEY);
    if (json !== null) this.saved = savedSchema.parse(JSON.parse(json));
    for (const version of this.saved.versions) this.addSet(version);
  }
  private addSet({ from, rules }: Saved['versions'][number]): void {
    const { dictionary, maxSeries } = this.parts;
    this.sets.push({ from, set: new RuleSet(rules, dictionary, maxSeries, this.counts, this.sets.at(-1)?.set ?? null) });
  }
  get rules(): readonly VolumeRule[] {
    return this.saved.versions.at(-1)?.rules ?? [];
  }

  /** Decodes a record by the rules that hold at its position. @param decode with the dictionary given */
  async decode(
    record: JournalRecord,
    decode: (dictionary: Dictionary) => Promise<DecodedRecord>,
  ): Promise<DecodedRecord & { readonly needs?: Needs | null }> {
    const before = this.current;
    const set = this.setAt(record.position);
    this.current = set;
    const ended =
      before === set
        ? []
        : [...(before?.windows ?? [])].filter(([id, windows]) => set?.windows.get(id) !== windows).map(([, windows]) => windows);
    if (set === null || (set.isEmpty && ended.length === 0)) return decode(this.parts.dictionary);
    set.dictionary.source = record.source;
    const { decoded, needs } = set.apply(record, await decode(set.dictionary), this.parts.nowMs(), ended);
    return { ...decoded, needs };
  }
  private setAt(position: JournalPosition): RuleSet | null {
    while (this.sets.length > 1 && (this.sets[1] as { from: number }).from <= position) this.sets.shift();
    const [first] = this.sets;
    return first !== undefined && first.from <= position ? first.set : null;
  }

  view(): RulesAnswer {
    const none: RuleCounts = { matched: 0, leftOut: 0, written: 0, lastMs: null };
    return {
      rules: this.rules.map((rule) => ({ rule, changedMs: this.saved.changedMs[rule.id] ?? 0, counts: this.counts.get(rule.id) ?? none })),
      audit: this.saved.audit,
    };
  }
  /** @throws bad_request */
  async save(rule: VolumeRule): Promise<RulesAnswer> {
    return this.change((rules) => {
      const known = rules.findIndex(({ id }) => id === rule.id);
      if (known < 0 && rules.length >= MAX_RULES)
        throw new FaultlineError('bad_request', `There are ${MAX_RULES} rules, which is the limit.`);
      return { rules: known < 0 ? [...rules, rule] : rules.with(known, rule), did: known < 0 ? 'add' : 'change', rule };
    });
  }
  /** @throws not_found */
  enable(id: string, enabled: boolean): Promise<RulesAnswer> {
    return this.change((rules) => {
      const rule = { ...this.find(rules, id), enabled };
      return { rules: rules.map((each) => (each.id === id ? rule : each)), did: enabled ? 'enable' : 'disable', rule };
    });
  }
  /** @throws not_found */
  remove(id: string): Promise<RulesAnswer> {
    return this.change((rules) => ({ rules: rules.filter((each) => each.id !== id), did: 'remove', rule: this.find(rules, id) }));
  }
  private find(rules: readonly VolumeRule[], id: string): VolumeRule {
    const rule = rules.find((each) => each.id === id);
    if (!rule) throw new FaultlineError('not_found', `There is no rule ${id}.`);
    return rule;
  }
  private change(
    edit: (rules: readonly VolumeRule[]) => { readonly rules: readonly VolumeRule[]; readonly did: Did; readonly rule: VolumeRule },
  ): Promise<RulesAnswer> {
    return this.parts.between(async (from) => {
      const { rules, did, rule } = edit(this.rules);
      const atMs = this.parts.nowMs();
      const released = this.parts.store.released();
      const version = { from, rules: [...rules] };
      // Of the versions a replay does not reach any more, the newest still holds at its beginning.
      const versions = [...this.saved.versions.filter((each) => each.from !== from), version];
      const kept = versions.filter((_, i) => (versions[i + 1]?.from ?? Number.POSITIVE_INFINITY) > released);
      const next: Saved = {
        versions: kept,
        changedMs: { ...this.saved.changedMs, [rule.id]: atMs },
        audit: [{ atMs, did, rule }, ...this.saved.audit].slice(0, MAX_AUDIT),
      };
      await this.parts.store.setState(STATE_KEY, JSON.stringify(next));
      this.saved = next;
      this.sets = this.sets.filter((each) => each.from !== from);
      this.addSet(version);
      return this.view();
    });
  }
}

import type { Alert } from '../alert-state.ts';
import { type GroupOptions, GroupRun, type RuleRun } from '../evaluate-group.ts';
import type { Rule } from '../rule.ts';
import type { ChunkSamples } from './chunk-samples.ts';
import type { ReplayGroup } from './planned-rules.ts';
import type { Episode } from './replay.ts';

/** A group evaluated one time after the other, by what evaluates it live. */
export class StepGroup {
  readonly planned: ReplayGroup;
  readonly run: GroupRun;
  readonly outcomes: readonly { readonly episodes: Episode[]; failures: number; lastError: string }[];
  private readonly open: readonly Map<string, Open>[];

  constructor(planned: ReplayGroup, options: GroupOptions) {
    const { group } = planned;
    this.planned = planned;
    this.run = new GroupRun({ ...group, rules: group.rules.map(withoutAnnotations) }, options);
    this.outcomes = group.rules.map(() => ({ episodes: [], failures: 0, lastError: '' }));
    this.open = group.rules.map(() => new Map());
  }
  async evaluate(atMs: number, samples: ChunkSamples): Promise<void> {
    samples.nowMs = atMs;
    await this.run.evaluate(atMs, samples);
    this.run.runs.forEach((each, i) => {
      this.note(each, i, atMs);
    });
  }
  private note({ book, health, lastError }: RuleRun, i: number, atMs: number): void {
    const [outcome, open] = [this.outcomes[i], this.open[i]];
    if (!outcome || !open) return;
    if (health === 'err') {
      outcome.failures++;
      outcome.lastError = lastError;
    }
    if (!book) return;
    const now = new Set<string>();
    for (const alert of book.alerts) {
      now.add(alert.labels.key);
      const known = open.get(alert.labels.key) ?? opened(alert);
      open.set(alert.labels.key, known);
      if (alert.state !== 'firing' || known.firedAtMs !== null) continue;
      known.firedAtMs = atMs;
      known.value = alert.value;
    }
    for (const [key, known] of open) {
      if (now.has(key)) continue;
      outcome.episodes.push({ ...known, endedAtMs: atMs });
      open.delete(key);
    }
  }
  /** What is still going on at the end. */
  finish(): void {
    this.outcomes.forEach(({ episodes }, i) => {
      for (const known of this.open[i]?.values() ?? []) episodes.push({ ...known, endedAtMs: null });
    });
  }
}
type Open = { -readonly [K in keyof Episode]: Episode[K] };
const opened = ({ labels, activeAtMs }: Alert): Open => ({
  labels,
  activeAtMs,
  firedAtMs: null,
  endedAtMs: null,
  value: Number.NaN,
  sample: null,
});
/** They change nothing of an alert's life, and may ask queries. */
const withoutAnnotations = (rule: Rule): Rule => (rule.kind === 'alerting' ? { ...rule, annotations: new Map() } : rule);

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Store } from '#contracts/store.ts';
import { readSamples } from '#main/engine/promql/read-samples.ts';
import type { SeriesBook } from '#main/engine/promql/series-book.ts';
import { loadRules } from '#main/rules/load-rules.ts';
import { loadSlos } from '#main/rules/load-slos.ts';
import { findRules, type RuleSettings, type RuleSources } from '#main/rules/rule-sources.ts';
import type { Labels } from '#query/promql/labels.ts';
import { printPromql } from '#query/promql/print.ts';
import { staleFlags } from '#query/promql/value.ts';
import { ALERTS, ALERTS_FOR_STATE } from '#query/rules/alert-state.ts';
import { alertsToSend, RESEND_DELAY_MS, type SendOptions, type SentAlert, sentLabels } from '#query/rules/alerts-to-send.ts';
import { GroupRun } from '#query/rules/evaluate-group.ts';
import { phaseOf } from '#query/rules/group-phase.ts';
import { readRules } from '#query/rules/read-rules.ts';
import type { RuleFile, RuleGroup } from '#query/rules/rule.ts';
import type { WrittenSample } from '#query/rules/sample.ts';
import type { SloFile } from '#query/slo/objective.ts';
import { ruleDocument } from '#query/slo/rule-document.ts';
import { EngineRuleStore } from './engine-rule-store.ts';
import { NO_ALERTING, type PrometheusAlerting, readPrometheusAlerting } from './notify/prometheus-alerting.ts';
import { PendingSamples } from './pending-samples.ts';
import { SampleWriter } from './sample-writer.ts';

export interface AlertingParts {
  readonly store: Store;
  readonly series: SeriesBook;
  readonly rules: RuleSettings;
  /** Of Sloth's objectives. */
  readonly sloPeriodMs?: number;
  /** Of this program, on the series of objectives. */
  readonly version?: string;
  /** Rules of this console's own, loaded as well when the file is there. */
  readonly adoptedFile: string;
  readonly ingestUrl: () => string;
  readonly externalUrl: () => string;
  readonly drained: () => Promise<unknown>;
  /** Takes what firing and resolved alerts have to say. */
  readonly send: (alerts: readonly SentAlert[]) => void;
  /** `alerting:` of prometheus.yml has changed. Absent: nobody asks. */
  readonly onAlerting?: (alerting: PrometheusAlerting) => void;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
export interface ScheduledGroup {
  readonly key: string;
  readonly run: GroupRun;
  readonly intervalMs: number;
  /** Time of its next evaluation. */
  nextMs: number;
  missed: number;
}
const TICK_MS = 250;
/** Files are looked at this often; a changed one holds from then on. */
const LOOK_MS = 5_000;
/** Series are looked for once for the groups of a second: a statement for each rule was half of their cost. */
const REFRESH_MS = 1_000;
/** Alerts that were written within the last hour go on after a restart, as in Prometheus. */
const TOLERANCE_MS = 3_600_000;
/** Rules of all files together. */
export const MAX_RULES = 20_000;
const MAX_SERIES = 100_000;

/**
 * Rules of Prometheus over the store: loaded from files, looked at again when they change, evaluated group by group on their interval,
 * one group at a time. What they give is journalled; alerts go on after a restart from what was written of them.
 */
export class Alerting {
  groups: ScheduledGroup[] = [];
  files: readonly (RuleFile & { readonly file: string })[] = [];
  /** Service level objectives; the rules made of them are among `files`. */
  slos: readonly SloFile[] = [];
  /** Rules beyond MAX_RULES. */
  leftOut = 0;
  evaluations = 0;
  failures = 0;
  missed = 0;
  readonly writer: SampleWriter;
  private readonly parts: AlertingParts;
  private readonly pending = new PendingSamples();
  private sources: RuleSources | null = null;
  private own = NO_ALERTING;
  private lookedMs = 0;
  private refreshedMs = 0;
  private timer: NodeJS.Timeout | null = null;
  private working: Promise<void> | null = null;
  private caughtUp: (() => boolean) | null = null;
  private isRestored = false;
  private stopping = false;

  constructor(parts: AlertingParts) {
    this.parts = parts;
    const { ingestUrl, drained, nowMs, log } = parts;
    const refreshed = async (): Promise<void> => {
      // A reading under way may have begun before.
      await parts.series.refresh();
      await parts.series.refresh();
    };
    this.writer = new SampleWriter({ pending: this.pending, ingestUrl, drained, refreshed, nowMs, log });
  }
  /** Where rules are looked for. */
  get sourcesAsked(): RuleSettings {
    return this.parts.rules;
  }
  /** Alerts of all rules. */
  get counts(): { firing: number; pending: number } {
    const counts = { firing: 0, pending: 0 };
    for (const { run } of this.groups)
      for (const { book } of run.runs) {
        if (!book) continue;
        const { firing, pending } = book.counts;
        counts.firing += firing;
        counts.pending += pending;
      }
    return counts;
  }
  get isOn(): boolean {
    const { pattern, prometheusConfig, slos } = this.parts.rules;
    return pattern !== null || prometheusConfig !== null || slos !== undefined || existsSync(this.parts.adoptedFile);
  }
  get adoptedFile(): string {
    return this.parts.adoptedFile;
  }
  /** What holds for rules that say nothing else. */
  get defaults(): Pick<RuleSources, 'intervalMs' | 'queryOffsetMs' | 'externalLabels'> {
    return this.sources ?? findRules(this.parts.rules);
  }
  /** @param caughtUp nothing is evaluated before the journal has been read; @param evaluates false: rules are loaded, no more */
  start(caughtUp: () => boolean, evaluates = true): void {
    if (evaluates) this.caughtUp = caughtUp;
    if (!this.isOn) return;
    if (evaluates) this.run(caughtUp);
    else this.look();
  }
  /** Its own file has changed: that holds now. */
  adopted(): void {
    if (this.timer) this.look();
    else if (this.caughtUp && this.isOn) this.run(this.caughtUp);
  }
  private run(caughtUp: () => boolean): void {
    this.look();
    this.timer = setInterval(() => {
      if (!caughtUp() || this.working) return;
      this.working = this.tick().finally(() => {
        this.working = null;
      });
    }, TICK_MS);
  }
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.working;
    await this.writer.stop();
  }

  /** Never rejects. */
  private async tick(): Promise<void> {
    const { nowMs, log } = this.parts;
    try {
      if (nowMs() - this.lookedMs >= LOOK_MS) this.look();
      if (!this.isRestored) await this.restore();
      for (const group of this.groups) {
        if (this.stopping) return;
        if (group.nextMs <= nowMs()) await this.evaluate(group);
      }
    } catch (error) {
      log(`cannot evaluate rules: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    }
  }
  private async evaluate(group: ScheduledGroup): Promise<void> {
    const { nowMs, store, series: book, log } = this.parts;
    const { run, intervalMs } = group;
    // The newest slot that is over; those before it are gone.
    const missed = Math.floor((nowMs() - group.nextMs) / intervalMs);
    group.missed += missed;
    this.missed += missed;
    const atMs = group.nextMs + missed * intervalMs;
    group.nextMs = atMs + intervalMs;
    const before = new Map(run.runs.map((each) => [each, each.lastError]));
    const batches: (readonly WrittenSample[])[] = [];
    const view = new EngineRuleStore({ store, book }, this.pending, (batch) => batches.push(batch));
    const [evaluations, failures] = [run.evaluations, run.failures];
    await this.pending.hold(async () => {
      if (nowMs() - this.refreshedMs >= REFRESH_MS) {
        this.refreshedMs = nowMs();
        await book.refresh();
      }
      const { group } = run;
      await view.prefetch(
        group.rules.map(({ expr }) => expr),
        atMs - (group.queryOffsetMs ?? 0),
      );
      await run.evaluate(atMs, view);
    });
    this.evaluations += run.evaluations - evaluations;
    this.failures += run.failures - failures;
    for (const each of run.runs) {
      if (each.lastError !== '' && each.lastError !== before.get(each))
        log(`rule ${each.rule.name} of ${run.group.file}:${each.rule.line} cannot be evaluated: ${each.lastError}`);
    }
    this.writer.write(batches);
    // Its file was changed meanwhile: what this evaluation wrote was not among what ended then.
    if (!this.groups.some(({ key }) => key === group.key)) this.end(run);
    else this.tell(run, intervalMs, atMs);
  }
  private end(run: GroupRun): void {
    const endings = run.endings(this.parts.nowMs());
    this.pending.add(endings);
    this.writer.write([endings]);
  }
  private tell({ runs }: GroupRun, intervalMs: number, atMs: number): void {
    const sent = runs.flatMap(({ rule, book }) => {
      if (!book) return [];
      const generatorUrl = `${this.parts.externalUrl()}/graph?g0.expr=${queryEscape(printPromql(rule.expr))}&g0.tab=1`;
      return alertsToSend(book.recent, atMs, { ...this.sending, resendDelayMs: RESEND_DELAY_MS, intervalMs, generatorUrl });
    });
    if (sent.length > 0) this.parts.send(sent);
  }
  private get sending(): Pick<SendOptions, 'externalLabels' | 'relabel'> {
    return { externalLabels: this.sources?.externalLabels ?? new Map(), relabel: this.own.relabel };
  }
  /** Labels of an alert as it is sent; null: it is not. */
  sentLabels(labels: Labels): Labels | null {
    return sentLabels(labels, this.sending);
  }

  /** Loads the files when they are others than before. */
  look(): void {
    const { rules, adoptedFile, nowMs, log } = this.parts;
    this.lookedMs = nowMs();
    const sources = findRules(rules, existsSync(adoptedFile) ? [adoptedFile] : []);
    if (this.sources?.version === sources.version) return;
    const isFirst = this.sources === null;
    this.sources = sources;
    const { sloPeriodMs: periodMs, version = 'dev' } = this.parts;
    this.slos = loadSlos(sources.sloFiles, periodMs === undefined ? {} : { periodMs });
    const generated = this.slos.map(({ file, objectives }) => ({ file, ...readRules(ruleDocument(objectives, { version }), file) }));
    this.files = [...sources.files.map((file) => ({ file, ...loadRules(file) })), ...generated];
    for (const { file, problems } of [...this.files, ...this.slos]) for (const { message } of problems) log(`rules: ${file}: ${message}`);
    if (sources.isAsked && sources.files.length === 0)
      log(`rules: there is no file ${rules.pattern ?? `among rule_files of ${rules.prometheusConfig}`}`);
    this.takeAlerting(sources);
    this.schedule(sources);
    const count = this.groups.reduce((sum, { run }) => sum + run.runs.length, 0);
    if (!isFirst || count > 0) log(`rules: ${count} rules in ${this.groups.length} groups of ${this.files.length} files are evaluated`);
  }
  private takeAlerting({ alerting }: RuleSources): void {
    const { rules, log, onAlerting } = this.parts;
    const file = rules.prometheusConfig;
    this.own = readPrometheusAlerting(alerting, file === null ? '/' : dirname(file));
    for (const problem of this.own.problems) log(`rules: ${file}: ${problem}`);
    onAlerting?.(this.own);
  }
  private schedule(sources: RuleSources): void {
    const before = new Map(this.groups.map((group) => [group.key, group]));
    let left = MAX_RULES;
    this.leftOut = 0;
    this.groups = this.files
      .flatMap(({ groups }) => groups)
      .flatMap((group) => {
        if (group.rules.length > left) {
          this.leftOut += group.rules.length;
          return [];
        }
        left -= group.rules.length;
        return [this.scheduled(group, sources, before)];
      });
    if (this.leftOut > 0) this.parts.log(`rules: ${this.leftOut} are not evaluated: more than ${MAX_RULES}`);
    const kept = new Set(this.groups.map(({ key }) => key));
    for (const { key, run } of before.values()) {
      if (!kept.has(key)) this.end(run);
    }
  }
  private scheduled(group: RuleGroup, sources: RuleSources, before: ReadonlyMap<string, ScheduledGroup>): ScheduledGroup {
    const { nowMs, externalUrl } = this.parts;
    const key = `${group.file};${group.name}`;
    const known = before.get(key);
    const intervalMs = group.intervalMs ?? sources.intervalMs;
    const { externalLabels } = sources;
    const options = { externalLabels, externalUrl: externalUrl(), seconds: () => performance.now() / 1000, maxSeries: MAX_SERIES };
    const run = new GroupRun({ ...group, queryOffsetMs: group.queryOffsetMs ?? sources.queryOffsetMs }, options);
    if (known) run.takeOver(known.run);
    // Groups are spread over their interval; each keeps its place.
    const offset = phaseOf(group, intervalMs);
    const nextMs = Math.ceil((nowMs() - offset) / intervalMs) * intervalMs + offset;
    return { key, run, intervalMs, nextMs: known?.intervalMs === intervalMs ? known.nextMs : nextMs, missed: known?.missed ?? 0 };
  }

  /** Alerts as they were written last. */
  private async restore(): Promise<void> {
    const { store, series, nowMs, log } = this.parts;
    this.isRestored = true;
    try {
      await series.refresh();
      const matchers = [{ name: '__name__', operator: '=~' as const, value: `${ALERTS}|${ALERTS_FOR_STATE}` }];
      const endMs = nowMs();
      const found = await readSamples(store, series.select(matchers), { matchers, startMs: endMs - TOLERANCE_MS, endMs }, {});
      const last = found.flatMap(({ labels, times, values }): { labels: Labels; lastMs: number; value: number }[] => {
        const at = times.length - 1;
        return at < 0 || staleFlags(values)?.[at] === 1 ? [] : [{ labels, lastMs: times[at] as number, value: values[at] as number }];
      });
      for (const { run, intervalMs } of this.groups) for (const each of run.runs) each.restore(last, endMs, intervalMs);
    } catch (error) {
      log(`alerts of before the restart are not known: ${error instanceof Error ? error.message : error}`);
    }
  }
}
/** Go's url.QueryEscape, of which links of Prometheus are made. */
const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

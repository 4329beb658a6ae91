import type { Sources, State } from '#contracts/console-api.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { JournalPosition } from '#contracts/journal.ts';
import type { RcaResult } from '#contracts/judgement.ts';
import type { CollectorStatus, PreviousEnd } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import type { QueryOptions, QueryResult, Store, StoreFacts } from '#contracts/store.ts';
import { shopBill } from '#demo/bill.ts';
import type { Alerting } from './alerting/alerting.ts';
import type { Alertmanagers } from './alerting/notify/alertmanagers.ts';
import type { Notifier } from './alerting/notify/notifier.ts';
import { answerRca, type RcaQuestion } from './answer-rca.ts';
import type { DemoRunner } from './demo-runner.ts';
import { describeSources, describeState } from './describe-state.ts';
import type { EvaluationLoop } from './evaluation-loop.ts';
import type { Explainer } from './explainer.ts';
import type { ExportRunner } from './export-runner.ts';
import type { ForwardingBook } from './forwarding-book.ts';
import type { ImportBook } from './import-book.ts';
import type { ImportDesk } from './import-desk.ts';
import type { IncidentBook } from './incident-book.ts';
import type { IngestAccount } from './ingest-account.ts';
import type { IngestLoop } from './ingest-loop.ts';
import type { LimitBook } from './limits/limit-book.ts';
import type { MemoryGuard } from './memory-guard.ts';
import type { ModelShelf } from './model-shelf.ts';
import type { Postmortems } from './postmortems/postmortems.ts';
import type { SeriesBook } from './promql/series-book.ts';
import type { PromqlThreads } from './promql-threads.ts';
import type { ReplayLab } from './replay/replay-lab.ts';
import type { RuleBook } from './rules/rule-book.ts';
import type { SloBook } from './slo/slo-book.ts';
import { takeBill } from './take-bill.ts';

/** Facts of the store are asked for at most this often. */
const FACTS_MS = 2_000;

export interface EngineParts {
  readonly version: string;
  readonly settings: Settings;
  readonly store: Store;
  readonly loop: IngestLoop;
  readonly account: IngestAccount;
  readonly evaluation: EvaluationLoop;
  readonly book: IncidentBook;
  readonly explainer: Explainer;
  readonly postmortems: Postmortems;
  readonly demo: DemoRunner;
  readonly models: ModelShelf;
  readonly forwarding: ForwardingBook;
  readonly exports: ExportRunner;
  readonly imports: ImportBook;
  readonly rules: RuleBook;
  readonly limits: LimitBook;
  /** Labels of all series, for rules. */
  readonly series: SeriesBook;
  readonly promql: PromqlThreads;
  /** Prometheus' rules. */
  readonly alerting: Alerting;
  /** Alerts become notifications. */
  readonly notifier: Notifier;
  readonly alertmanagers: Alertmanagers;
  /** Rules over the past. */
  readonly replay: ReplayLab;
  readonly slos: SloBook;
  readonly desk: ImportDesk;
  readonly memory: MemoryGuard;
  /** Why the engine before this one ended, when it said so. */
  readonly previousEnd: PreviousEnd | null;
  readonly demoScenarios: readonly string[];
  /** The same story every time: what a person saw, a colleague can see again. */
  readonly demoSeed: number;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}

/** What the API may ask of the engine. Knows no carrier and no host. */
export class Engine {
  readonly parts: EngineParts;
  readonly startedMs: number;
  /** Own address, once it listens. */
  apiAddress = '';
  collectorStatus: CollectorStatus | null = null;
  collectorSeenMs = 0;
  facts: StoreFacts | null = null;
  private factsAtMs = 0;

  constructor(parts: EngineParts) {
    this.parts = parts;
    this.startedMs = parts.nowMs();
  }
  get store(): Store {
    return this.parts.store;
  }
  get settings(): Settings {
    return this.parts.settings;
  }
  get book(): IncidentBook {
    return this.parts.book;
  }
  get explainer(): Explainer {
    return this.parts.explainer;
  }
  get postmortems(): Postmortems {
    return this.parts.postmortems;
  }
  get models(): ModelShelf {
    return this.parts.models;
  }
  get exports(): ExportRunner {
    return this.parts.exports;
  }
  get desk(): ImportDesk {
    return this.parts.desk;
  }
  get imports(): ImportBook {
    return this.parts.imports;
  }
  get promql(): PromqlThreads {
    return this.parts.promql;
  }
  get replay(): ReplayLab {
    return this.parts.replay;
  }
  get alerting(): Alerting {
    return this.parts.alerting;
  }
  get slos(): SloBook {
    return this.parts.slos;
  }
  get rules(): RuleBook {
    return this.parts.rules;
  }
  get limits(): LimitBook {
    return this.parts.limits;
  }
  get forwarding(): ForwardingBook {
    return this.parts.forwarding;
  }
  /** Request bytes that have left this console since the engine started, forwarded telemetry and notifications. */
  get egressBytes(): number {
    const { notifier, alertmanagers } = this.parts;
    return this.forwarding.egressBytes + notifier.egressBytes + alertmanagers.egressBytes;
  }
  get ready(): boolean {
    return this.parts.loop.caughtUp;
  }
  async state(): Promise<State> {
    return describeState(this, await this.freshFacts());
  }
  async sources(): Promise<Sources> {
    return describeSources(this, await this.freshFacts());
  }
  async freshFacts(): Promise<StoreFacts> {
    const now = this.parts.nowMs();
    if (this.facts === null || now - this.factsAtMs > FACTS_MS) {
      this.factsAtMs = now;
      this.facts = await this.store.facts();
    }
    return this.facts;
  }
  /** Everything acknowledged before the call is queryable when it resolves; `durable`: and in its day files; `compact`: samples as blocks. */
  async flush(durable: boolean, compact = false): Promise<JournalPosition> {
    const position = await this.parts.loop.drained();
    if (durable) await this.store.flush();
    if (compact) await this.store.compact();
    return position;
  }
  /** One SELECT that somebody wrote: checked, and stopped when it takes too much time or memory. */
  userQuery(sql: string, options: QueryOptions): Promise<QueryResult> {
    return this.parts.memory.userQuery(this.store, sql, options);
  }
  rca(question: RcaQuestion): Promise<RcaResult> {
    return answerRca(this.store, question);
  }
  /** "http://127.0.0.1:4318", where telemetry may be sent. */
  get ingestUrl(): string {
    const address = this.collectorStatus?.sources.find((s) => s.kind === 'otlp-http')?.address ?? '';
    if (address === '') return `http://${this.settings.ingest.host}:${this.settings.ingest.port}`;
    return address.startsWith('http') ? address.replace(/\/$/, '') : `http://${address}`;
  }
  get otlpGrpc(): string {
    return this.collectorStatus?.sources.find((s) => s.kind === 'otlp-grpc')?.address.replace(/^\w+:\/\//, '') ?? '';
  }
  async startDemo(scenario: string | undefined): Promise<void> {
    const { demo, demoScenarios, demoSeed } = this.parts;
    const chosen = scenario || demoScenarios[0];
    if (chosen === undefined || !demoScenarios.includes(chosen)) {
      throw new FaultlineError('bad_request', `There is no demo scenario "${scenario ?? ''}". Known: ${demoScenarios.join(', ')}.`);
    }
    const to = { ingestUrl: this.ingestUrl, otlpGrpc: this.otlpGrpc };
    await demo.start(chosen, to, demoSeed);
    // Beside the telemetry: the shop's own bill. Its absence must not keep the demo from running.
    const { name, csv } = shopBill(demoSeed, this.parts.nowMs());
    void takeBill(this.store, this.settings.dataDir, name, Buffer.from(csv)).catch((error: unknown) =>
      this.parts.log(`the demo's bill: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
}

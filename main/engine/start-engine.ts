import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { spanEventsReader } from '#collectors/otlp/decode-events.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import { DEMO_FOLDER } from '#contracts/demo-files.ts';
import { SOURCE_LIMITS_FILE } from '#contracts/limited-source.ts';
import type { LanguageModel } from '#contracts/llm.ts';
import type { ParentPort, PreviousEnd, ToChild } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import { DEFAULT_SEED, DEMO_SCENARIOS } from '#demo/scenarios.ts';
import { replaceFile } from '#exporters/forward/forward-state.ts';
import { createApi } from '#main/api/create-api.ts';
import { ADOPTED_FILE } from '#main/rules/adopted-rules.ts';
import { isFatal } from '#store/database/fatal-error.ts';
import { openStore } from '#store/open-store.ts';
import { Alerting } from './alerting/alerting.ts';
import type { AlertmanagerTarget } from './alerting/notify/alertmanager-queue.ts';
import { Alertmanagers } from './alerting/notify/alertmanagers.ts';
import { Notifier } from './alerting/notify/notifier.ts';
import { ownReceivers } from './alerting/notify/own-receivers.ts';
import { ApiDoor } from './api-door.ts';
import { decodeRecord } from './decode-record.ts';
import { DemoRunner } from './demo-runner.ts';
import { Engine } from './engine.ts';
import { EvaluationLoop } from './evaluation-loop.ts';
import { Explainer } from './explainer.ts';
import { ExportRunner } from './export-runner.ts';
import { ForwardingBook } from './forwarding-book.ts';
import { ImportBook } from './import-book.ts';
import { ImportDesk } from './import-desk.ts';
import { IncidentBook } from './incident-book.ts';
import { IngestAccount } from './ingest-account.ts';
import { IngestLoop } from './ingest-loop.ts';
import { LimitBook } from './limits/limit-book.ts';
import { MemoryGuard, memoryBudget } from './memory-guard.ts';
import type { ModelClient } from './model-client.ts';
import { openModels } from './open-models.ts';
import { Postmortems } from './postmortems/postmortems.ts';
import { SeriesBook } from './promql/series-book.ts';
import { PromqlThreads } from './promql-threads.ts';
import { quarantineRecord } from './quarantine.ts';
import { liveAlerting } from './replay/live-alerting.ts';
import { ReplayLab } from './replay/replay-lab.ts';
import { RuleBook } from './rules/rule-book.ts';
import { SloBook } from './slo/slo-book.ts';
import { SloFiles, sloSettings } from './slo/slo-files.ts';
import { takeBillFile } from './take-bill.ts';

export interface RunningEngine {
  readonly engine: Engine;
  /** http://HOST:PORT of the API. */
  readonly url: string;
  onMessage(message: ToChild): void;
  stop(): Promise<void>;
}
export interface StartOptions {
  readonly settings: Settings;
  readonly send: ParentPort['send'];
  readonly nowMs?: () => number;
  /** Explains incidents in words; without one the templates do. */
  readonly model?: LanguageModel;
  readonly log?: (line: string) => void;
  /** DuckDB gave up on its instance: nothing works until this process is replaced. Nothing is lost: the journal replays. */
  readonly onDead?: (line: string) => void;
  /** A query takes all memory and hears nothing: this process must end at once. */
  readonly onOutOfMemory?: (says: string) => void;
  /** Why the engine before this one ended. */
  readonly previousEnd?: PreviousEnd | null;
}
/** Where the collector writes what it acknowledged. */
export const journalFolder = (dataDir: string): string => path.join(dataDir, 'journal');
const TICK_MS = 1_000;

function versionOf(): string {
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/**
 * Composition root of the engine: store, journal tail, judgement, API. Knows no host: messages go out through `send`
 * and come in through `onMessage`. @throws FaultlineError what openStore and the port say
 */
export async function startEngine({ settings, send, nowMs = Date.now, ...options }: StartOptions): Promise<RunningEngine> {
  const log = (line: string): void => {
    (options.log ?? console.error)(line);
    // Every loop of the engine logs the error it met, so the log is where it shows.
    if (isFatal(line)) options.onDead?.(line);
  };
  const { dataDir, retentionSeconds, maxSizeBytes, limits, compaction = true } = settings;
  mkdirSync(journalFolder(dataDir), { recursive: true });
  const version = versionOf();
  const door = new ApiDoor({ settings, version, log });
  const store = await openStore({
    dataDir,
    retentionSeconds,
    maxSizeBytes,
    limits,
    compaction,
    nowMs,
    log,
    readEvents: spanEventsReader(),
    onMigration: (news) => door.tell(news),
  }).catch(async (error: unknown) => {
    await door.close();
    throw error;
  });
  const reader = await openJournalReader(journalFolder(dataDir), store.released(), { lend: true });
  const account = new IngestAccount();
  const book = new IncidentBook({ store, nowMs, log });
  await book.load();
  const evaluation = new EvaluationLoop({ store, book, nowMs, log });
  // What an earlier run stored for a time that has not come yet is no news to the journal.
  const { maxTimeMs } = await store.facts();
  if (maxTimeMs !== null) evaluation.noteRows('spans', 0, maxTimeMs, maxTimeMs);
  const sourceLimits = new LimitBook({
    store,
    configured: limits.sources,
    between: (work) => loop.between(work),
    writeOwn: (own) => replaceFile(path.join(dataDir, SOURCE_LIMITS_FILE), JSON.stringify(own)),
    ...{ send, nowMs, log },
  });
  await sourceLimits.load();
  const { dictionary } = sourceLimits;
  const rules = new RuleBook({ store, dictionary, between: (work) => loop.between(work), maxSeries: limits.maxSeries, nowMs });
  await rules.load();
  const loop = new IngestLoop({
    reader,
    store,
    account,
    decode: (record) =>
      sourceLimits.decode(record, (faceOf) => rules.decode(record, (given) => decodeRecord(record, { dictionary: faceOf(given), limits }))),
    quarantine: (record, error) => quarantineRecord(dataDir, record, error, log),
    onVisible: (table, rows, oldestMs, newestMs) => evaluation.noteRows(table, rows, oldestMs, newestMs),
    nowMs,
    log,
  });
  const models = await openModels({ store, settings, send, nowMs, log });
  const explainer = new Explainer({ model: options.model ?? models.client, book, store, nowMs, log });
  book.onChange((incident) => void explainer.consider(incident));
  const demo = new DemoRunner({ log, nowMs, folder: path.join(dataDir, DEMO_FOLDER) });
  const exports = new ExportRunner({ store, dataDir, version, drained: () => loop.drained(), nowMs, log });
  const memory = new MemoryGuard({
    budget: memoryBudget(limits.maxEngineBytes),
    log,
    endProcess: (says) => options.onOutOfMemory?.(says),
  });
  const imports = new ImportBook({ store, nowMs });
  const desk: ImportDesk = new ImportDesk({
    dataDir,
    diskReserveBytes: limits.diskReserveBytes,
    book: imports,
    send,
    ingestUrl: () => engine.ingestUrl,
    takeBill: (name, file) => takeBillFile(store, name, file),
    drained: () => loop.drained(),
    nowMs,
  });
  const { otlpNaming } = settings;
  const series = new SeriesBook(store, otlpNaming);
  const notifier = new Notifier({
    store: store.alerting,
    config: { file: settings.alertmanagerConfig ?? null, receivers: ownReceivers(settings.receivers ?? {}) },
    version,
    externalUrl: () => engine.apiAddress,
    nowMs,
    log,
  });
  await notifier.start();
  const alertmanagers = new Alertmanagers({ version, nowMs, log });
  alertmanagers.set(targetsOf(settings), dataDir);
  const promql = new PromqlThreads({ store, otlpNaming, nowMs, log });
  const alerting = new Alerting({
    store,
    series,
    rules: { pattern: settings.rules ?? null, prometheusConfig: settings.prometheusConfig, slos: sloSettings(settings) },
    ...(settings.sloPeriodMs === undefined ? {} : { sloPeriodMs: settings.sloPeriodMs }),
    version,
    adoptedFile: path.join(dataDir, ADOPTED_FILE),
    ingestUrl: () => engine.ingestUrl,
    externalUrl: () => engine.apiAddress,
    drained: () => loop.drained(),
    send: (alerts) => {
      notifier.receive(alerts, 'rules');
      alertmanagers.send(alerts);
    },
    onAlerting: ({ targets }) => alertmanagers.set([...targetsOf(settings), ...targets], dataDir),
    nowMs,
    log,
  });
  const replay = new ReplayLab({
    ...{ store, otlpNaming, nowMs, log, adoptedFile: alerting.adoptedFile },
    incidents: () => book.list(),
    live: () => liveAlerting(alerting, notifier, engine.apiAddress),
  });
  const forwarding = new ForwardingBook({ settings, send, nowMs });
  const engine: Engine = new Engine({
    version,
    settings,
    store,
    loop,
    account,
    evaluation,
    book,
    explainer,
    postmortems: new Postmortems({
      userQuery: (sql, options) => memory.userQuery(store, sql, options),
      store,
      book,
      version,
      nowMs,
      caughtUp: async () => loop.caughtUp || loop.drained(),
    }),
    demo,
    models: models.shelf,
    forwarding,
    exports,
    rules,
    limits: sourceLimits,
    series,
    promql,
    alerting,
    notifier,
    alertmanagers,
    replay,
    slos: new SloBook({ store, series, alerting, book, files: new SloFiles(settings), version, nowMs }),
    imports,
    desk,
    memory,
    previousEnd: options.previousEnd ?? null,
    demoScenarios: DEMO_SCENARIOS,
    demoSeed: DEFAULT_SEED,
    nowMs,
    log,
  });
  const carrier = await door.open(createApi(engine)).catch(async (error: unknown) => {
    reader.close();
    await store.close();
    throw error;
  });
  engine.apiAddress = carrier.url;
  demo.takeOver();

  store.onReleased((position) => send({ type: 'released', position }));
  send({ type: 'released', position: store.released() });
  loop.start();
  const evaluatesRules = settings.evaluatesRules !== false;
  alerting.start(() => loop.caughtUp && engine.collectorStatus !== null, evaluatesRules);
  // Judged only once the journal has been read: half of an hour would look like a change.
  const ticking = setInterval(() => {
    if (!loop.caughtUp) return;
    evaluation.tick();
    void sourceLimits.tick();
  }, TICK_MS);
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    clearInterval(ticking);
    evaluation.stop();
    await alerting.stop();
    await notifier.stop();
    await alertmanagers.stop();
    await carrier.close();
    await promql.stop();
    await replay.stop();
    await explainer.stop();
    await exports.stop();
    await desk.stop();
    await demo.stop();
    await models.shelf.stop();
    await loop.stop();
    await sourceLimits.save().catch((error: Error) => log(`limits by source: ${error.message}`));
    await reader.close();
    await store.close();
  };
  return { engine, url: carrier.url, onMessage: (message) => hear(engine, loop, models.client, message), stop: () => (stopped ??= stop()) };
}

const ALERTMANAGER_TIMEOUT_MS = 10_000;
const targetsOf = ({ alertmanagers = [] }: Settings): AlertmanagerTarget[] =>
  alertmanagers.map((url) => ({ url, timeoutMs: ALERTMANAGER_TIMEOUT_MS, http: null }));

function hear(engine: Engine, loop: IngestLoop, client: ModelClient, message: ToChild): void {
  if (message.type === 'llm-news') client.hear(message.news);
  if (message.type === 'import-news') engine.desk.hear(message.news);
  if (message.type === 'import-ended') engine.desk.ended(message.reason);
  if (message.type === 'llm-ended') client.ended(message.reason, message.lastCall);
  if (message.type === 'advanced') loop.wake(message.committed);
  if (message.type === 'forwarder-status') engine.forwarding.hear(message.status, message.state);
  if (message.type !== 'collector-status') return;
  const first = engine.collectorStatus === null;
  engine.collectorStatus = message.status;
  engine.collectorSeenMs = engine.parts.nowMs();
  const { demo } = engine.settings;
  if (first && demo !== null && !engine.parts.demo.takenOver)
    engine.startDemo(demo).catch((error: unknown) => engine.parts.log(`demo: ${error instanceof Error ? error.message : error}`));
}

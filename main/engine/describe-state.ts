import type { Sources, State } from '#contracts/console-api.ts';
import { ERRORS, type ErrorCode } from '#contracts/errors.ts';
import { SOURCE_KINDS, type SourceStatus } from '#contracts/processes.ts';
import { REASONS, type ReasonCode } from '#contracts/reasons.ts';
import type { StoreFacts } from '#contracts/store.ts';
import { isResolved } from '#query/alerting/alert.ts';
import type { Engine } from './engine.ts';
import type { IngestAccount } from './ingest-account.ts';

/** The collector reports each second; silence for this long means it is away. */
const COLLECTOR_SILENCE_MS = 4_000;
const DISK_LOW_FACTOR = 2;
/** So long it is said that, and why, the engine before this one ended. */
const TELL_END_MS = 3_600_000;

/** Body of GET /console/state. */
export function describeState(engine: Engine, facts: StoreFacts): State {
  const { parts, collectorStatus: collector } = engine;
  const { account, loop, book, demo } = parts;
  const now = parts.nowMs();
  const hot = Object.values(parts.store.hot());
  const collectorState = collector === null ? 'starting' : now - engine.collectorSeenMs > COLLECTOR_SILENCE_MS ? 'restarting' : 'running';
  return {
    version: parts.version,
    nowMs: now,
    startedMs: engine.startedMs,
    collector: collectorState,
    engine: loop.caughtUp ? 'running' : 'starting',
    addresses: {
      api: engine.apiAddress,
      ingest: engine.ingestUrl,
      otlpGrpc: engine.otlpGrpc,
    },
    hasData:
      facts.minTimeMs !== null ||
      hot.some((table) => table.rows > 0) ||
      facts.days.some((day) => Object.values(day.rows).some((rows) => rows > 0)),
    minTimeMs: facts.minTimeMs,
    maxTimeMs: facts.maxTimeMs,
    rates: account.rates(now),
    totals: { ...account.items, refused: refusedTotal(collector?.sources ?? []), dropped: account.droppedTotal() },
    journalLagBytes: lagBytes(engine),
    ackP50Ms: collector?.journal.ackP50Ms ?? 0,
    ackP99Ms: collector?.journal.ackP99Ms ?? 0,
    diskUsedBytes: Object.values(facts.disk).reduce((sum, bytes) => sum + bytes, 0),
    diskFreeBytes: collector?.diskFreeBytes ?? 0,
    memoryBytes: process.memoryUsage.rss() + (collector?.rssBytes ?? 0) + parts.models.rssBytes,
    // Without a destination no process opens a connection outwards.
    egressBytes: engine.egressBytes,
    openIncidents: book.open().length,
    alerts: alertCounts(engine),
    judgement: judgementOf(engine),
    demo: demo.running,
    demoScenarios: [...parts.demoScenarios],
    warnings: warningsOf(engine, facts),
  };
}

/** Of rules, and of other senders. */
function alertCounts({ alerting, parts: { notifier, nowMs } }: Engine): State['alerts'] {
  const { firing, pending } = alerting.counts;
  const posted = notifier.posted().filter((alert) => !isResolved(alert, nowMs()));
  return { firing: firing + posted.length, pending };
}
function judgementOf({ parts: { evaluation } }: Engine): State['judgement'] {
  const { lastTickMs, skipped, lastSkipped, ring, limits } = evaluation;
  return {
    lastMs: lastTickMs === 0 ? null : lastTickMs,
    skipped,
    lastSkippedMs: lastSkipped?.atMs ?? null,
    lastSkippedCode: lastSkipped?.code ?? '',
    notJudged: ring.refusedNow,
    ...limits,
  };
}

/** A target that answers may still send nonsense: its samples and its bad line are known only after decoding. */
function judged(account: IngestAccount, source: SourceStatus): Pick<SourceStatus, 'accepted' | 'state' | 'error'> {
  const { accepted, state, error } = source;
  if (source.kind !== 'scrape') return { accepted: { ...accepted }, state, error };
  const metrics = { ...accepted.metrics, items: account.scraped.get(source.source) ?? 0 };
  const problem = error === '' ? (account.problems.get(source.source) ?? '') : error;
  return { accepted: { ...accepted, metrics }, state: problem === '' ? state : 'failing', error: problem };
}

/** Body of GET /console/sources. */
export function describeSources(engine: Engine, facts: StoreFacts): Sources {
  const { account, settings } = engine.parts;
  const collector = engine.collectorStatus;
  const known = (collector?.sources ?? []).map((source) => ({
    ...source,
    ...judged(account, source),
    refused: { ...source.refused },
    ...accountOf(engine, source.source, source.noted),
  }));
  const names = new Set(known.map((s) => s.source));
  // A target that is gone keeps its counters in sight.
  const gone = [...new Set([...account.dropped.keys(), ...account.noted.keys()])].filter((name) => !names.has(name));
  const none = { items: 0, requests: 0, bytes: 0 };
  const former = gone.map((source) => ({
    source,
    kind: kindOf(source),
    address: '',
    state: 'stopped' as const,
    error: '',
    lastUnixMs: null,
    accepted: { traces: none, logs: none, metrics: none },
    refused: {},
    ...accountOf(engine, source),
  }));
  return {
    sources: [...known, ...former],
    senders: (collector?.senders ?? []).map((sender) => ({ ...sender })),
    stages: stagesOf(engine, facts),
    journal: {
      bytes: collector?.journal.bytes ?? 0,
      lagBytes: lagBytes(engine),
      ackP50Ms: collector?.journal.ackP50Ms ?? 0,
      ackP99Ms: collector?.journal.ackP99Ms ?? 0,
    },
    store: {
      bytes: facts.bytes,
      days: facts.days.map((day) => ({ ...day, rows: { ...day.rows } })),
      pruned: facts.pruned.map((day) => ({ ...day })),
      retentionSeconds: settings.retentionSeconds,
      maxSizeBytes: settings.maxSizeBytes,
      series: facts.series,
    },
  };
}
function stagesOf(engine: Engine, facts: StoreFacts): Sources['stages'] {
  const { account, loop, rules, store } = engine.parts;
  const collector = engine.collectorStatus;
  const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);
  const accepted = (collector?.sources ?? []).flatMap((source) => Object.values(source.accepted));
  const hot = Object.values(store.hot());
  return {
    received: {
      requests: sum(accepted.map(({ requests }) => requests)),
      bytes: sum(accepted.map(({ bytes }) => bytes)),
      refused: refusedTotal(collector?.sources ?? []),
    },
    checked: { items: sum(accepted.map(({ items }) => items)) },
    journaled: {
      bytes: collector?.journal.bytes ?? 0,
      keptBytes: collector?.journal.keptBytes ?? 0,
      ackP50Ms: collector?.journal.ackP50Ms ?? 0,
      ackP99Ms: collector?.journal.ackP99Ms ?? 0,
    },
    decoded: {
      records: account.records,
      items: sum(Object.values(account.items)),
      lagBytes: lagBytes(engine),
      paused: loop.paused,
      dropped: account.droppedTotal(),
      ruled: sum([...rules.counts.values()].map(({ leftOut }) => leftOut)),
    },
    stored: {
      rows: sum(Object.values(account.rows)),
      hotRows: sum(hot.map(({ rows }) => rows)),
      hotBytes: sum(hot.map(({ bytes }) => bytes)),
      fileBytes: facts.bytes,
    },
  };
}
function kindOf(source: string): SourceStatus['kind'] {
  if (source.startsWith('tail:')) return 'tail';
  if (source.startsWith('scrape')) return 'scrape';
  if (source.startsWith('import:')) return 'import';
  return SOURCE_KINDS.find((kind) => kind === source) ?? 'otlp-http';
}
/** @param collected what the collector noted itself; its codes are others than the engine's */
function accountOf(
  engine: Engine,
  source: string,
  collected: SourceStatus['noted'] = {},
): { dropped: Record<string, number>; noted: Record<string, number> } {
  const { dropped, noted } = engine.parts.account;
  return {
    dropped: Object.fromEntries(dropped.get(source) ?? []),
    noted: { ...collected, ...Object.fromEntries(noted.get(source) ?? []) },
  };
}
const refusedTotal = (sources: readonly SourceStatus[]): number =>
  sources.reduce((sum, s) => sum + Object.values(s.refused).reduce((a, b) => a + b, 0), 0);

/** Acknowledged bytes not decoded yet. A new segment starts before the old is full: then it is an upper bound. */
export function lagBytes(engine: Engine): number {
  const committed = engine.collectorStatus?.journal.committed ?? 0;
  const position = engine.parts.loop.position;
  if (committed <= position) return 0;
  const sameSegment = Math.floor(committed / 2 ** 32) === Math.floor(position / 2 ** 32);
  return sameSegment ? committed - position : Math.min(engine.collectorStatus?.journal.bytes ?? 0, committed % 2 ** 32);
}

const todoOf = (code: string): string => (code in ERRORS ? ERRORS[code as ErrorCode].todo : '');
function warningsOf(engine: Engine, facts: StoreFacts): State['warnings'] {
  const warnings: State['warnings'] = [];
  const add = (code: ReasonCode): void => void warnings.push({ code, says: REASONS[code].says, todo: REASONS[code].todo });
  const collector = engine.collectorStatus;
  if (collector?.refusing && collector.refusing in REASONS) add(collector.refusing as ReasonCode);
  else if (collector && collector.diskFreeBytes > 0 && collector.diskFreeBytes < engine.settings.limits.diskReserveBytes * DISK_LOW_FACTOR)
    add('disk_full');
  for (const day of facts.days) {
    if (day.state === 'quarantined')
      warnings.push({
        code: 'file_corrupt',
        says: `The data of ${day.day} was damaged and is set aside.`,
        todo: 'See the quarantine folder; the rest goes on.',
      });
  }
  const { damage } = engine.parts.loop;
  if (damage.places > 0)
    warnings.push({
      code: 'file_corrupt',
      says: `The journal was damaged at ${damage.places} places: ${damage.bytes} bytes of acknowledged requests are lost.`,
      todo: 'Check the disk; send them again where you can.',
    });
  const end = engine.parts.previousEnd;
  if (end && engine.parts.nowMs() - end.atMs < TELL_END_MS)
    warnings.push({ code: end.code, says: `${new Date(end.atMs).toISOString()}: ${end.message}`, todo: todoOf(end.code) });
  if (facts.readOnly)
    warnings.push({
      code: 'data_dir_not_writable',
      says: 'The data folder cannot be written: nothing new is stored.',
      todo: 'Check its permissions and free space.',
    });
  if (engine.parts.loop.paused) add('backpressure');
  const undecoded = [...engine.parts.account.dropped.values()].some((reasons) => reasons.has('engine_cannot_decode'));
  if (undecoded) add('engine_cannot_decode');
  return warnings;
}

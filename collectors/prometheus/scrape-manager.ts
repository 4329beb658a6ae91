import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { JournalError } from '#collectors/pipeline/journal-error.ts';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalPosition, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import type { SourceStatus } from '#contracts/processes.ts';
import type { Limits } from '#contracts/settings.ts';
import { type DiscoveryConfig, type PrometheusConfig, readPrometheusConfig, type ScrapeConfig } from './config.ts';
import { type ScrapeAnswer, scrapeOnce } from './scrape-once.ts';
import { type Discovery, type DnsResolver, startDiscovery } from './target-discovery.ts';
import { buildTargets, type Target, type TargetGroup } from './targets.ts';

/**
 * Scrapes what a prometheus.yml names and appends every attempt, good or failed, to the journal as received.
 * Parsing, relabeling of samples, `up` and staleness happen in the engine (decode-scrape.ts), so that they replay.
 */
export interface ScrapingOptions {
  readonly configFile: string;
  readonly append: (entry: JournalEntry) => Promise<JournalPosition>;
  /** Called whenever a target's state changed; `statuses()` gives the same list on demand. */
  readonly onStatus?: (statuses: readonly SourceStatus[]) => void;
  readonly limits: Limits;
  readonly retentionSeconds?: number;
  readonly nowMs?: () => number;
  readonly log?: (line: string) => void;
  /** For dns_sd; absent: the system's. */
  readonly resolver?: DnsResolver;
}
export interface Scraping {
  statuses(): SourceStatus[];
  /** Ends all loops; attempts under way are given up. Safe twice. */
  stop(): Promise<void>;
}
interface Loop {
  readonly target: Target;
  readonly scrape: ScrapeConfig;
  /** Its labels: equal for loops whose series are the same. */
  readonly series: string;
  /** Set while the job has more targets than it may: every attempt fails with this sentence. */
  refusal: string;
  status: SourceStatus;
  timer: NodeJS.Timeout | null;
  stopped: boolean;
}
/** How often the configuration file is looked at; fs.watch misses atomic renames on some file systems. */
const RELOAD_MS = 5_000;
const none = { items: 0, requests: 0, bytes: 0 };

const statusOf = ({ job }: ScrapeConfig, target: Target): SourceStatus => ({
  source: `scrape:${target.labels['job']}:${target.labels['instance']}`,
  kind: 'scrape',
  address: target.url,
  state: 'listening',
  error: '',
  lastUnixMs: null,
  accepted: { traces: none, logs: none, metrics: none },
  refused: {},
  target: {
    pool: job,
    labels: target.labels,
    discovered: target.discovered,
    intervalMs: target.intervalMs,
    timeoutMs: target.timeoutMs,
    durationSeconds: 0,
  },
});
/** Spreads targets over the interval by their identity, the same after every restart. */
const offsetMs = (target: Target): number => createHash('md5').update(target.key).digest().readUInt32BE(0) % target.intervalMs;

const DISCOVERY_OF = {
  file: (config: DiscoveryConfig & { kind: 'file' }) => config.patterns.join(' '),
  http: (config: DiscoveryConfig & { kind: 'http' }) => config.url,
  dns: (config: DiscoveryConfig & { kind: 'dns' }) => `${config.type} ${config.names.join(' ')}`,
};
/** A list of targets that cannot be had stands among the targets, with the reason. */
const discoveryStatus = (job: string, { config, error, lastUnixMs }: Discovery): SourceStatus => ({
  source: `scrape:${job}:${config.kind}_sd`,
  kind: 'scrape',
  address: (DISCOVERY_OF[config.kind] as (config: DiscoveryConfig) => string)(config),
  state: 'failing',
  error,
  lastUnixMs,
  accepted: { traces: none, logs: none, metrics: none },
  refused: {},
});

export function startScraping(options: ScrapingOptions): Scraping {
  const nowMs = options.nowMs ?? Date.now;
  const log = options.log ?? (() => {});
  const loops = new Map<string, Loop>();
  const discoveries = new Map<string, Discovery>();
  const retiring = new Set<NodeJS.Timeout>();
  let told = new Set<string>();
  let config: PrometheusConfig = readPrometheusConfig(options.configFile);
  let modified = statSync(options.configFile).mtimeMs;
  for (const warning of config.warnings) log(`prometheus config: ${warning}`);
  const discoveryOf = (discovery: DiscoveryConfig): Discovery => discoveries.get(JSON.stringify(discovery)) as Discovery;
  const statuses = (): SourceStatus[] => [
    ...[...loops.values()].map((loop) => loop.status),
    ...config.scrapes.flatMap((scrape) =>
      scrape.discoveries
        .map(discoveryOf)
        .filter((discovery) => discovery.error !== '')
        .map((discovery) => discoveryStatus(scrape.job, discovery)),
    ),
  ];
  const changed = (): void => options.onStatus?.(statuses());

  async function attempt(loop: Loop): Promise<void> {
    const { scrape, target } = loop;
    const startedMs = nowMs();
    let answer: ScrapeAnswer | null = null;
    let error = loop.refusal;
    try {
      const maxBytes = scrape.limits.bodyBytes || options.limits.maxScrapeBytes;
      const { client, protocols, compression } = scrape;
      if (error === '')
        answer = await scrapeOnce({ url: target.url, timeoutMs: target.timeoutMs, maxBytes, client, protocols, compression });
    } catch (cause) {
      error = (cause as Error).message;
    }
    if (loop.stopped) return;
    const meta: ScrapeMeta = {
      ...metaOf(loop),
      scrapeUnixMs: startedMs,
      durationSeconds: (nowMs() - startedMs) / 1000,
      up: answer !== null,
      error,
      contentType: answer?.contentType ?? '',
    };
    await append(loop, meta, answer);
  }
  /** What the engine needs of the job: it may read the record long after the configuration has changed. */
  function metaOf({ scrape, target }: Loop): Omit<ScrapeMeta, 'scrapeUnixMs' | 'durationSeconds' | 'up' | 'error' | 'contentType'> {
    const { limits } = scrape;
    return {
      job: scrape.job,
      labels: target.labels,
      honorLabels: scrape.honorLabels,
      honorTimestamps: scrape.honorTimestamps,
      sampleLimit: limits.samples,
      metricRelabelConfigs: scrape.metricRelabel,
      ...(scrape.trackTimestampsStaleness ? { trackTimestampsStaleness: true } : {}),
      ...(scrape.classicHistograms ? { classicHistograms: true } : {}),
      ...(scrape.nativeHistograms || !scrape.protocols.includes('PrometheusProto') ? {} : { noNativeHistograms: true }),
      ...(limits.bodyBytes ? { bodyLimit: limits.bodyBytes } : {}),
      ...(limits.labels ? { labelLimit: limits.labels } : {}),
      ...(limits.labelNameBytes ? { labelNameLimit: limits.labelNameBytes } : {}),
      ...(limits.labelValueBytes ? { labelValueLimit: limits.labelValueBytes } : {}),
      ...(scrape.fallbackProtocol ? { fallbackProtocol: scrape.fallbackProtocol } : {}),
    };
  }

  async function append(loop: Loop, meta: ScrapeMeta, answer: ScrapeAnswer | null): Promise<void> {
    const { status } = loop;
    const refused: Record<string, number> = { ...status.refused };
    let { error } = meta;
    if (answer === null) refused['scrape_failed'] = (refused['scrape_failed'] ?? 0) + 1;
    try {
      await options.append(entryOf(status.source, meta, answer));
    } catch (cause) {
      error = `the scrape could not be kept: ${(cause as Error).message}`;
      const reason = cause instanceof JournalError && cause.reason === 'source_bytes' ? cause.reason : 'backpressure';
      refused[reason] = (refused[reason] ?? 0) + 1;
      // Known to be over its limit the target is not up, as with body_size_limit.
      if (reason === 'source_bytes')
        await options.append(entryOf(status.source, { ...meta, up: false, error }, null)).catch(() => undefined);
    }
    const { metrics } = status.accepted;
    const bytes = metrics.bytes + (answer?.body.length ?? 0);
    loop.status = {
      ...status,
      error,
      refused,
      lastUnixMs: meta.scrapeUnixMs,
      ...(status.target ? { target: { ...status.target, durationSeconds: meta.durationSeconds } } : {}),
      state: error === '' ? 'receiving' : 'failing',
      accepted: { ...status.accepted, metrics: { items: metrics.items, requests: metrics.requests + 1, bytes } },
    };
    changed();
  }
  const entryOf = (source: string, meta: ScrapeMeta, answer: ScrapeAnswer | null): JournalEntry => ({
    kind: RecordKind.scrape,
    format: BodyFormat.text,
    encoding: answer?.gzip ? BodyEncoding.gzip : BodyEncoding.identity,
    receivedUnixNano: BigInt(meta.scrapeUnixMs) * 1_000_000n,
    retentionSeconds: options.retentionSeconds ?? 0,
    items: 0,
    source,
    meta: JSON.stringify(meta),
    body: answer?.body ?? new Uint8Array(0),
  });

  const untilNext = (target: Target): number => target.intervalMs - ((nowMs() - offsetMs(target)) % target.intervalMs);
  function startLoop(target: Target, scrape: ScrapeConfig): Loop {
    const loop: Loop = {
      target,
      scrape,
      series: JSON.stringify(target.labels),
      refusal: '',
      status: statusOf(scrape, target),
      timer: null,
      stopped: false,
    };
    const schedule = (): void => {
      loop.timer = setTimeout(() => {
        void attempt(loop)
          .catch((error: Error) => log(`scrape ${target.url}: ${error.message}`))
          .then(() => {
            if (!loop.stopped) schedule();
          });
      }, untilNext(target));
    };
    schedule();
    return loop;
  }
  function endLoop(loop: Loop): void {
    loop.stopped = true;
    if (loop.timer) clearTimeout(loop.timer);
  }
  /** A target that is no longer listed: its series end when the next scrape would have been, unless it is back by then. */
  function retire(loop: Loop): void {
    endLoop(loop);
    const timer = setTimeout(() => {
      retiring.delete(timer);
      for (const other of loops.values()) if (other.series === loop.series) return;
      const meta: ScrapeMeta = {
        ...metaOf(loop),
        scrapeUnixMs: nowMs(),
        durationSeconds: 0,
        up: false,
        error: 'the target is no longer listed',
        contentType: '',
        ended: true,
      };
      options.append(entryOf(loop.status.source, meta, null)).catch((error: Error) => log(`scrape ${loop.target.url}: ${error.message}`));
    }, untilNext(loop.target));
    retiring.add(timer);
  }

  function reconcile(): void {
    const wanted = new Map<string, () => Loop>();
    const refusals = new Map<string, string>();
    const problems = new Set<string>();
    for (const scrape of config.scrapes) {
      const groups: TargetGroup[] = [...scrape.staticTargets, ...scrape.discoveries.flatMap((discovery) => discoveryOf(discovery).groups)];
      const targets = buildTargets(scrape, groups, (problem) => problems.add(problem));
      const limit = scrape.limits.targets;
      const refusal =
        limit > 0 && targets.length > limit ? `target_limit: the job has ${targets.length} targets, the limit is ${limit}` : '';
      const text = JSON.stringify(scrape);
      for (const target of targets) {
        const key = `${text}|${target.key}`;
        wanted.set(key, () => startLoop(target, scrape));
        refusals.set(key, refusal);
      }
    }
    for (const problem of problems) if (!told.has(problem)) log(problem);
    told = problems;
    for (const [key, loop] of loops) {
      if (wanted.has(key)) continue;
      loops.delete(key);
      retire(loop);
    }
    for (const [key, start] of wanted) if (!loops.has(key)) loops.set(key, start());
    for (const [key, loop] of loops) loop.refusal = refusals.get(key) ?? '';
    changed();
  }
  /** Starts what the configuration names and is not under way, ends the rest. */
  function discoverTargets(): void {
    const wanted = new Map(config.scrapes.flatMap(({ discoveries: list }) => list.map((each) => [JSON.stringify(each), each] as const)));
    for (const [key, discovery] of discoveries) {
      if (wanted.has(key)) continue;
      discovery.stop();
      discoveries.delete(key);
    }
    for (const [key, discovery] of wanted) {
      if (discoveries.has(key)) continue;
      const { resolver } = options;
      discoveries.set(key, startDiscovery(discovery, { nowMs, onChange: listsChanged, ...(resolver ? { resolver } : {}) }));
    }
  }
  function listsChanged(): void {
    for (const { error } of discoveries.values()) if (error !== '') log(`prometheus config: ${error}`);
    reconcile();
  }
  function reload(): void {
    try {
      const now = statSync(options.configFile).mtimeMs;
      if (now === modified) return;
      modified = now;
      config = readPrometheusConfig(options.configFile);
      log('prometheus config: read again');
      for (const warning of config.warnings) log(`prometheus config: ${warning}`);
      discoverTargets();
      reconcile();
    } catch (error) {
      log(`prometheus config: kept the last good one: ${(error as Error).message}`);
    }
  }

  discoverTargets();
  reconcile();
  const timer = setInterval(reload, RELOAD_MS);
  return {
    statuses,
    stop: async () => {
      clearInterval(timer);
      for (const discovery of discoveries.values()) discovery.stop();
      for (const each of retiring) clearTimeout(each);
      for (const loop of loops.values()) endLoop(loop);
      loops.clear();
    },
  };
}

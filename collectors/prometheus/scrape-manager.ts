import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalPosition, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import type { SourceStatus } from '#contracts/processes.ts';
import type { Limits } from '#contracts/settings.ts';
import { type PrometheusConfig, readPrometheusConfig, type ScrapeConfig } from './config.ts';
import { type ScrapeAnswer, scrapeOnce } from './scrape-once.ts';
import { buildTargets, readTargetFiles, type Target, type TargetGroup } from './targets.ts';

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
}
export interface Scraping {
  statuses(): SourceStatus[];
  /** Ends all loops; attempts under way are given up. Safe twice. */
  stop(): Promise<void>;
}
interface Loop {
  readonly target: Target;
  status: SourceStatus;
  timer: NodeJS.Timeout | null;
  busy: Promise<void>;
  stopped: boolean;
}
/** How often the files are looked at; fs.watch misses atomic renames on some file systems. */
const RELOAD_MS = 5_000;
const none = { items: 0, requests: 0, bytes: 0 };

const statusOf = (target: Target): SourceStatus => ({
  source: `scrape:${target.labels['job']}:${target.labels['instance']}`,
  kind: 'scrape',
  address: target.url,
  state: 'listening',
  error: '',
  lastUnixMs: null,
  accepted: { traces: none, logs: none, metrics: none },
  refused: {},
});
/** Spreads targets over the interval by their identity, the same after every restart. */
const offsetMs = (target: Target): number => createHash('md5').update(target.key).digest().readUInt32BE(0) % target.intervalMs;

function groupsOf(config: ScrapeConfig, lastGood: Map<string, TargetGroup[]>, problem: (message: string) => void): TargetGroup[] {
  const groups: TargetGroup[] = [...config.staticTargets];
  for (const { patterns } of config.fileTargets) {
    const key = patterns.join('|');
    try {
      lastGood.set(key, readTargetFiles(patterns));
    } catch (error) {
      problem((error as Error).message);
    }
    groups.push(...(lastGood.get(key) ?? []));
  }
  return groups;
}

export function startScraping(options: ScrapingOptions): Scraping {
  const nowMs = options.nowMs ?? Date.now;
  const log = options.log ?? (() => {});
  const loops = new Map<string, Loop>();
  const lastGood = new Map<string, TargetGroup[]>();
  let config: PrometheusConfig = readPrometheusConfig(options.configFile);
  let modified = statSync(options.configFile).mtimeMs;
  for (const warning of config.warnings) log(`prometheus config: ${warning}`);
  const changed = (): void => options.onStatus?.([...loops.values()].map((loop) => loop.status));

  async function attempt(loop: Loop, scrape: ScrapeConfig): Promise<void> {
    const startedMs = nowMs();
    let answer: ScrapeAnswer | null = null;
    let error = '';
    try {
      answer = await scrapeOnce({
        url: loop.target.url,
        timeoutMs: loop.target.timeoutMs,
        maxBytes: scrape.bodySizeLimitBytes || options.limits.maxScrapeBytes,
        headers: scrape.headers,
        insecureSkipVerify: scrape.tls.insecureSkipVerify,
        ca: scrape.tls.caFile ? readFileSync(scrape.tls.caFile, 'utf8') : null,
      });
    } catch (cause) {
      error = (cause as Error).message;
    }
    if (loop.stopped) return;
    const meta: ScrapeMeta = {
      job: scrape.job,
      labels: loop.target.labels,
      scrapeUnixMs: startedMs,
      durationSeconds: (nowMs() - startedMs) / 1000,
      up: answer !== null,
      error,
      contentType: answer?.contentType ?? '',
      honorLabels: scrape.honorLabels,
      honorTimestamps: scrape.honorTimestamps,
      sampleLimit: scrape.sampleLimit,
      metricRelabelConfigs: scrape.metricRelabel,
    };
    await append(loop, meta, answer);
  }

  async function append(loop: Loop, meta: ScrapeMeta, answer: ScrapeAnswer | null): Promise<void> {
    const { status } = loop;
    const refused: Record<string, number> = { ...status.refused };
    let { error } = meta;
    if (answer === null) refused['scrape_failed'] = (refused['scrape_failed'] ?? 0) + 1;
    try {
      await options.append({
        kind: RecordKind.scrape,
        format: BodyFormat.text,
        encoding: answer?.gzip ? BodyEncoding.gzip : BodyEncoding.identity,
        receivedUnixNano: BigInt(meta.scrapeUnixMs) * 1_000_000n,
        retentionSeconds: options.retentionSeconds ?? 0,
        items: 0,
        source: status.source,
        meta: JSON.stringify(meta),
        body: answer?.body ?? new Uint8Array(0),
      });
    } catch (cause) {
      error = `the scrape could not be kept: ${(cause as Error).message}`;
      refused['backpressure'] = (refused['backpressure'] ?? 0) + 1;
    }
    const { metrics } = status.accepted;
    const bytes = metrics.bytes + (answer?.body.length ?? 0);
    loop.status = {
      ...status,
      error,
      refused,
      lastUnixMs: meta.scrapeUnixMs,
      state: error === '' ? 'receiving' : 'failing',
      accepted: { ...status.accepted, metrics: { items: metrics.items, requests: metrics.requests + 1, bytes } },
    };
    changed();
  }

  function startLoop(target: Target, scrape: ScrapeConfig): Loop {
    const loop: Loop = { target, status: statusOf(target), timer: null, busy: Promise.resolve(), stopped: false };
    const offset = offsetMs(target);
    const schedule = (): void => {
      const wait = target.intervalMs - ((nowMs() - offset) % target.intervalMs);
      loop.timer = setTimeout(() => {
        loop.busy = attempt(loop, scrape)
          .catch((error: Error) => log(`scrape ${target.url}: ${error.message}`))
          .then(() => {
            if (!loop.stopped) schedule();
          });
      }, wait);
    };
    schedule();
    return loop;
  }
  function endLoop(loop: Loop): void {
    loop.stopped = true;
    if (loop.timer) clearTimeout(loop.timer);
  }

  function reconcile(): void {
    const wanted = new Map<string, () => Loop>();
    for (const scrape of config.scrapes) {
      const targets = buildTargets(scrape, groupsOf(scrape, lastGood, log), log);
      for (const target of targets) wanted.set(`${JSON.stringify(scrape)}|${target.key}`, () => startLoop(target, scrape));
    }
    for (const [key, loop] of loops) {
      if (wanted.has(key)) continue;
      endLoop(loop);
      loops.delete(key);
    }
    for (const [key, start] of wanted) if (!loops.has(key)) loops.set(key, start());
    changed();
  }
  function reload(): void {
    try {
      const now = statSync(options.configFile).mtimeMs;
      if (now !== modified) {
        modified = now;
        config = readPrometheusConfig(options.configFile);
        log('prometheus config: read again');
      } else if (config.scrapes.every((scrape) => scrape.fileTargets.length === 0)) return;
      reconcile();
    } catch (error) {
      log(`prometheus config: kept the last good one: ${(error as Error).message}`);
    }
  }

  reconcile();
  const timer = setInterval(reload, RELOAD_MS);
  return {
    statuses: () => [...loops.values()].map((loop) => loop.status),
    stop: async () => {
      clearInterval(timer);
      for (const loop of loops.values()) endLoop(loop);
      loops.clear();
    },
  };
}

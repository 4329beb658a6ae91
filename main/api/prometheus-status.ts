import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Context, Hono } from 'hono';
import type { ScrapeTarget, SourceStatus } from '#contracts/processes.ts';
import type { Engine } from '#main/engine/engine.ts';
import { MAX_SAMPLES } from '#main/engine/promql/growing-series.ts';
import { LOOKBACK_MS } from '#main/engine/promql/run-promql.ts';
import { MAX_RUNNING } from '#main/engine/promql-threads.ts';
import { type About, TIMEOUT_MS } from '#main/promql/messages.ts';
import { printDuration } from '#query/promql/print.ts';
import type { Shared } from './create-api.ts';
import { maskSecrets } from './mask-secrets.ts';

/** What Prometheus' API says of the server itself and of its targets, under /api/v1, in the shapes of Prometheus 3. */
const NEVER = '0001-01-01T00:00:00Z';
const timeOf = (ms: number | null): string => (ms === null ? NEVER : new Date(ms).toISOString());
const seconds = (ms: number): string => printDuration(ms / 1000);
class BadData extends Error {}

type Scraped = SourceStatus & { readonly target: ScrapeTarget };
const scrapedBy = (engine: Engine): Scraped[] =>
  (engine.collectorStatus?.sources ?? []).filter((source): source is Scraped => source.target !== undefined);

function targetOf({ target, address, error, lastUnixMs, state }: Scraped): object {
  return {
    discoveredLabels: target.discovered,
    labels: target.labels,
    scrapePool: target.pool,
    scrapeUrl: address,
    globalUrl: address.replace(/\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/])/, `//${hostname()}`),
    lastError: error,
    lastScrape: timeOf(lastUnixMs),
    lastScrapeDuration: target.durationSeconds,
    health: lastUnixMs === null ? 'unknown' : state === 'receiving' ? 'up' : 'down',
    scrapeInterval: seconds(target.intervalMs),
    scrapeTimeout: seconds(target.timeoutMs),
  };
}
function targets(engine: Engine, query: URLSearchParams): object {
  const state = (query.get('state') ?? '').toLowerCase();
  const pool = query.get('scrapePool') ?? '';
  const wanted = scrapedBy(engine).filter(({ target }) => pool === '' || target.pool === pool);
  return {
    activeTargets: state === 'dropped' ? [] : wanted.map(targetOf),
    // What relabeling drops is not kept.
    droppedTargets: [],
    ...(state === 'active' ? {} : { droppedTargetCounts: {} }),
  };
}
function config(engine: Engine): object {
  const file = engine.settings.prometheusConfig;
  if (!file) return { yaml: '' };
  try {
    return { yaml: maskSecrets(readFileSync(file, 'utf8')) };
  } catch (error) {
    throw new BadData(`${file} cannot be read: ${(error as Error).message}`);
  }
}
/** Flags of Prometheus that say something of this console too. */
function flags({ settings, apiAddress }: Engine): Readonly<Record<string, string>> {
  return {
    'config.file': settings.prometheusConfig ?? '',
    'query.lookback-delta': seconds(LOOKBACK_MS),
    'query.max-concurrency': String(MAX_RUNNING),
    'query.max-samples': String(MAX_SAMPLES),
    'query.timeout': seconds(TIMEOUT_MS),
    'storage.tsdb.path': settings.dataDir,
    'storage.tsdb.retention.size': `${settings.maxSizeBytes}B`,
    'storage.tsdb.retention.time': settings.retentionSeconds === 0 ? '0s' : seconds(settings.retentionSeconds * 1000),
    'web.enable-admin-api': 'false',
    'web.enable-lifecycle': 'false',
    'web.enable-remote-write-receiver': 'true',
    'web.listen-address': apiAddress.replace(/^http:\/\//, ''),
  };
}
function runtimeInfo({ settings, startedMs, parts }: Engine): object {
  return {
    startTime: timeOf(startedMs),
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: timeOf(parts.nowMs()),
    reloadConfigSuccess: true,
    lastConfigTime: timeOf(startedMs),
    corruptionCount: 0,
    goroutineCount: 0,
    GOMAXPROCS: 0,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: `${settings.retentionSeconds === 0 ? '' : `${seconds(settings.retentionSeconds * 1000)} or `}${settings.maxSizeBytes}B`,
  };
}

/** Registers them. Who may call them has been asked by then. */
export function servePrometheusStatus(app: Hono<{ Variables: Shared }>, engine: Engine): void {
  const routes: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
    '/status/buildinfo': () => ({
      // Grafana asks for a Prometheus version to know what it may ask for.
      ...{ version: '3.5.0', revision: `faultline ${engine.parts.version}`, branch: '', buildUser: '', buildDate: '', goVersion: '' },
    }),
    '/status/config': () => config(engine),
    '/status/flags': () => flags(engine),
    '/status/runtimeinfo': () => runtimeInfo(engine),
    '/status/walreplay': () => {
      const done = engine.parts.loop.caughtUp;
      return { min: 0, max: 100, current: done ? 100 : 0 };
    },
    '/targets': (query) => targets(engine, query),
    '/scrape_pools': () => ({ scrapePools: [...new Set(scrapedBy(engine).map(({ target }) => target.pool))].sort() }),
    '/alertmanagers': () => ({
      activeAlertmanagers: engine.parts.alertmanagers.views().map(({ url }) => ({ url: `${url}/api/v2/alerts` })),
      droppedAlertmanagers: [],
    }),
    '/notifications': () =>
      (engine.facts?.problems ?? []).map(({ message }) => ({ text: message, date: timeOf(engine.parts.nowMs()), active: true })),
  };
  for (const [path, read] of Object.entries(routes)) {
    app.get(`/api/v1${path}`, (c: Context) => {
      c.set('route', `get /api/v1${path}`);
      try {
        return c.json({ status: 'success', data: read(new URL(c.req.url).searchParams) });
      } catch (error) {
        if (error instanceof BadData) return c.json({ status: 'error', errorType: 'internal', error: error.message }, 500);
        throw error;
      }
    });
  }
}
/** What only the engine knows of what a thread is asked for. */
export async function aboutFor(engine: Engine, path: string): Promise<About> {
  if (path === '/targets/metadata') return { targets: scrapedBy(engine).map(({ target }) => target.labels) };
  if (path !== '/status/tsdb') return {};
  const { minTimeMs, maxTimeMs, compaction } = await engine.freshFacts();
  return { minTimeMs: minTimeMs ?? 0, maxTimeMs: maxTimeMs ?? 0, blocks: compaction.inBlocks.blocks };
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, positionOf, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { answerRca } from '#main/engine/answer-rca.ts';
import { openStore } from '#store/open-store.ts';
import type { Row, Scenario } from './run.ts';

const START_MS = Date.UTC(2026, 2, 10, 9);
const SCRAPE_MS = 30_000;
const MINUTES = 45;
/** The last minutes are asked about; in them one of a hundred series stands at twice its level. */
const ASKED_MINUTES = 15;
const SERIES_PER_TARGET = 1_000;
const LIMITS = limitsSchema.parse(undefined);
const open = (dataDir: string) =>
  openStore({ dataDir, retentionSeconds: 0, maxSizeBytes: 100e9, limits: LIMITS, nowMs: () => START_MS + MINUTES * 60_000 });

/** Half gauges, half counters, with noise that depends on series and time only. */
function exposition(target: number, scrape: number): string {
  const lines = ['# TYPE work_level gauge'];
  const noise = (series: number): number => ((series * 7919 + scrape * 104_729) % 1_000) / 1_000;
  const isOn = scrape * SCRAPE_MS >= (MINUTES - ASKED_MINUTES) * 60_000;
  const half = SERIES_PER_TARGET / 2;
  for (let i = 0; i < half; i++)
    lines.push(`work_level{worker="${i}"} ${(100 + 5 * noise(target * half + i)) * (isOn && i % 100 === 0 ? 2 : 1)}`);
  lines.push('# TYPE work_done_total counter');
  for (let i = 0; i < half; i++) lines.push(`work_done_total{worker="${i}"} ${scrape * 3_000 + Math.round(50 * noise(target * half + i))}`);
  return `${lines.join('\n')}\n`;
}
function scrapeRecord(target: number, scrape: number, position: number): JournalRecord {
  const atMs = START_MS + scrape * SCRAPE_MS;
  const instance = `host-${target}:9100`;
  const meta: ScrapeMeta = {
    job: 'work',
    labels: { job: 'work', instance },
    scrapeUnixMs: atMs,
    durationSeconds: 0.01,
    up: true,
    error: '',
    contentType: 'text/plain; version=0.0.4',
    honorLabels: false,
    honorTimestamps: true,
    sampleLimit: 0,
    metricRelabelConfigs: [],
  };
  return {
    kind: RecordKind.scrape,
    format: BodyFormat.text,
    encoding: BodyEncoding.identity,
    receivedUnixNano: BigInt(atMs) * 1_000_000n,
    retentionSeconds: 0,
    items: 0,
    source: `scrape:work:${instance}`,
    meta: JSON.stringify(meta),
    body: new TextEncoder().encode(exposition(target, scrape)),
    position,
    next: position + 1,
  };
}
async function fill(dataDir: string, series: number): Promise<void> {
  const store = await open(dataDir);
  let record = 0;
  for (let scrape = 0; scrape < (MINUTES * 60_000) / SCRAPE_MS; scrape++) {
    for (let target = 0; target < series / SERIES_PER_TARGET; target++) {
      const position = positionOf(1, record++);
      const { batches } = decodeScrape(scrapeRecord(target, scrape, position), { dictionary: store.dictionary, limits: LIMITS });
      store.append({ position, next: positionOf(1, record) }, batches);
    }
    await store.flush();
  }
  await store.close();
}
async function ask(dataDir: string): Promise<void> {
  const store = await open(dataDir);
  const endMs = START_MS + MINUTES * 60_000;
  const startedMs = performance.now();
  let longestWaitMs = 0;
  let lastMs = startedMs;
  const beat = setInterval(() => {
    longestWaitMs = Math.max(longestWaitMs, performance.now() - lastMs - 5);
    lastMs = performance.now();
  }, 5);
  const answer = await answerRca(store, { startMs: endMs - ASKED_MINUTES * 60_000, endMs });
  clearInterval(beat);
  const seconds = (performance.now() - startedMs) / 1000;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpu = (userCPUTime + systemCPUTime) / 1e6;
  console.log(
    JSON.stringify({
      seconds: seconds.toFixed(1),
      'CPU s': cpu.toFixed(1),
      'peak RSS MB': Math.round(maxRSS / 1000),
      'longest wait ms': Math.round(longestWaitMs),
      verdict: answer.verdict,
    }),
  );
  await store.close();
}

/** `faultline rca` over many series: 45 minutes of scrapes every 30 s, the last 15 asked about, in a process of its own. */
export const rca: Scenario = {
  name: 'rca',
  about: 'answerRca over stored scrapes; seconds, peak memory of the process, longest time its thread was not free',
  run: async ({ quick }) => {
    const rows: Row[] = [];
    for (const series of quick ? [20_000] : [20_000, 100_000]) {
      const dataDir = mkdtempSync(join(tmpdir(), 'faultline-rca-'));
      try {
        await fill(dataDir, series);
        const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, dataDir], {
          encoding: 'utf8',
          env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
        });
        if (stdout === '') throw new Error(stderr);
        rows.push({ series, ...(JSON.parse(stdout) as Row) });
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    }
    return rows;
  },
};
if (import.meta.main) await ask(process.argv[2] as string);

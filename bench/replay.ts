import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ReplayAnswer, ReplayBody } from '#contracts/replay.ts';
import type { Store } from '#contracts/store.ts';
import { SeriesBook } from '#main/engine/promql/series-book.ts';
import { ReplayLab } from '#main/engine/replay/replay-lab.ts';
import { DEFAULT_CONFIG } from '#query/alerting/config.ts';
import { labelOf } from '#query/promql/labels.ts';
import { phaseOf } from '#query/rules/group-phase.ts';
import { openStore } from '#store/open-store.ts';
import { StoreFeed } from '../tests/app/feed-store.ts';
import { seededRandom } from './payloads.ts';
import type { Row, RunOptions, Scenario } from './run.ts';

/** A rule over seven days of 200 series every 15 s, with ten planted stretches over the threshold. */
const SERIES = 200;
const STEP_MS = 15_000;
const DAY_MS = 86_400_000;
const PLANTED = 10;
const BATCH_STEPS = 240;
interface Planted {
  readonly series: number;
  readonly fromStep: number;
  readonly steps: number;
}

async function fill(store: Store, startMs: number, steps: number, planted: readonly Planted[]): Promise<void> {
  new StoreFeed(store).scrape(startMs - STEP_MS, Array.from({ length: SERIES }, (_, i) => `load{instance="i${i}"} 0\n`).join(''));
  await store.flush();
  const book = new SeriesBook(store);
  await book.refresh();
  const found = book.select([{ name: '__name__', operator: '=', value: 'load' }]);
  const ids = Uint32Array.from({ length: SERIES }, (_, i) => found.find(({ labels }) => labelOf(labels, 'instance') === `i${i}`)?.id ?? 0);
  const random = seededRandom(5);
  let position = 1_000;
  for (let first = 0; first < steps; first += BATCH_STEPS) {
    const count = Math.min(BATCH_STEPS, steps - first);
    const rows = count * SERIES;
    const [series, times, values] = [new Uint32Array(rows), new BigInt64Array(rows), new Float64Array(rows)];
    for (let i = 0, row = 0; i < count; i++) {
      const ns = BigInt(startMs + (first + i) * STEP_MS) * 1_000_000n;
      for (let s = 0; s < SERIES; s++, row++) {
        series[row] = ids[s] as number;
        times[row] = ns;
        values[row] = 0.2 + 0.3 * random();
      }
    }
    for (const { series: s, fromStep, steps: long } of planted)
      for (let step = Math.max(first, fromStep); step < Math.min(first + count, fromStep + long); step++)
        values[(step - first) * SERIES + s] = 0.95;
    const none = new Uint8Array(rows);
    position++;
    store.append({ position, next: position + 1 }, [
      {
        table: 'samples',
        rows,
        columns: [
          { kind: 'u32', data: series },
          { kind: 'i64', data: times },
          { kind: 'f64', data: values },
          { kind: 'i64', data: new BigInt64Array(rows), present: none },
          { kind: 'i64', data: new BigInt64Array(rows), present: none },
          { kind: 'u32', data: new Uint32Array(rows) },
        ],
        heap: new Uint8Array(0),
      },
    ]);
    await store.relieve();
  }
  await store.flush();
  await store.compact();
}
const ADOPTED = 'adopted.yml';
const FOR_STEPS = 20;
function rulesOf(expr: string): string {
  return `groups:\n- name: g\n  interval: 15s\n  rules:\n  - alert: High\n    expr: ${expr}\n    for: ${(FOR_STEPS * STEP_MS) / 60_000}m\n`;
}
/** Firings that are where they were planted, to the evaluation. */
function exact({ episodes }: ReplayAnswer, startMs: number, planted: readonly Planted[]): number {
  const wanted = planted.map(({ series, fromStep, steps }) => {
    const at = (step: number): number => startMs + step * STEP_MS + phaseOf({ file: ADOPTED, name: 'g' }, STEP_MS);
    return JSON.stringify([`i${series}`, at(fromStep), at(fromStep + FOR_STEPS), at(fromStep + steps)]);
  });
  const found = new Set(
    episodes.map(({ labels, activeMs, firedMs, endedMs }) => JSON.stringify([labels['instance'], activeMs, firedMs, endedMs])),
  );
  return wanted.filter((each) => found.has(each)).length;
}

async function run({ quick, turns }: RunOptions): Promise<readonly Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'faultline-replay-'));
  const days = quick ? 1 : 7;
  const steps = (days * DAY_MS) / STEP_MS;
  const startMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - (days + 1) * DAY_MS;
  const endMs = startMs + days * DAY_MS;
  const random = seededRandom(9);
  const planted = Array.from({ length: PLANTED }, (_, i): Planted => {
    return {
      series: Math.floor(random() * SERIES),
      fromStep: Math.floor(((i + 0.3) / PLANTED) * steps),
      steps: 30 + Math.floor(random() * 100),
    };
  });
  const options = {
    dataDir,
    retentionSeconds: 0,
    maxSizeBytes: 1e12,
    limits: { maxSeries: 1e6 },
    compaction: false,
    nowMs: () => Date.now(),
  };
  const store = await openStore({ ...options, log: console.error });
  try {
    await fill(store, startMs, steps, planted);
    const live = { groups: [], intervalMs: STEP_MS, queryOffsetMs: 0, externalLabels: new Map<string, string>(), externalUrl: '' };
    const lab = new ReplayLab({
      ...{ store, adoptedFile: ADOPTED, incidents: () => [], nowMs: () => Date.now(), log: console.error },
      live: () => ({ ...live, config: DEFAULT_CONFIG, silences: [] }),
    });
    const truths = planted.map(({ fromStep, steps: long }, i) => {
      return { title: `planted ${i}`, start: startMs + fromStep * STEP_MS, end: startMs + (fromStep + long) * STEP_MS };
    });
    const thresholds = Array.from({ length: 10 }, (_, i) => 0.45 + i * 0.05);
    const cases: readonly (readonly [string, Pick<ReplayBody, 'rules' | 'sweep'>])[] = [
      ['load > 0.8, for: 5m', { rules: rulesOf('load > 0.8') }],
      ['avg_over_time(load[5m]) > 0.8, for: 5m', { rules: rulesOf('avg_over_time(load[5m]) > 0.8') }],
      ['sum(load) > 150, for: 5m', { rules: rulesOf('sum(load) > 150') }],
      ['50 variants: 10 thresholds x 5 for', { rules: rulesOf('load > 0.8'), sweep: { thresholds, forSeconds: [0, 60, 300, 600, 1200] } }],
      [
        '50 variants of avg_over_time(load[5m])',
        { rules: rulesOf('avg_over_time(load[5m]) > 0.8'), sweep: { thresholds, forSeconds: [0, 60, 300, 600, 1200] } },
      ],
    ];
    const rows: Row[] = [];
    for (const [what, body] of cases) {
      const took: number[] = [];
      const cpu: number[] = [];
      let answer: ReplayAnswer | null = null;
      // What else the engine's thread has to do waits so long.
      const waits = monitorEventLoopDelay({ resolution: 1 });
      waits.enable();
      for (let turn = 0; turn < Math.max(3, turns); turn++) {
        const before = process.cpuUsage();
        const startedMs = performance.now();
        const given = await lab.replay({ start: startMs, end: endMs, truths, ...body }, { signal: new AbortController().signal });
        const parts: Uint8Array[] = [given.first];
        for await (const part of given.rest ?? []) parts.push(part);
        answer = JSON.parse(Buffer.concat(parts).toString()) as ReplayAnswer;
        took.push(performance.now() - startedMs);
        const { user, system } = process.cpuUsage(before);
        cpu.push((user + system) / 1000);
      }
      waits.disable();
      const middle = (all: number[]): number => Math.round(all.sort((a, b) => a - b)[all.length >> 1] as number);
      const { judged, cost, sweep } = answer as ReplayAnswer;
      rows.push({
        what,
        'M samples': Number((cost.samples / 1e6).toFixed(2)),
        'ms (median)': middle(took),
        'CPU-ms (median)': middle(cpu),
        'others wait, ms (p99, max)': `${[waits.percentile(99), waits.max].map((ns) => (ns / 1e6).toFixed(0)).join(', ')}`,
        'planted, exact':
          what.startsWith('load >') || what.startsWith('50 variants: ')
            ? `${exact(answer as ReplayAnswer, startMs, planted)} of ${PLANTED}`
            : '',
        caught: `${judged.caught} of ${PLANTED}`,
        'on the front': sweep ? sweep.variants.filter(({ isFront }) => isFront).length : '',
      });
    }
    await lab.stop();
    return rows;
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
export const replay: Scenario = {
  name: 'replay',
  about: 'a rule over 7 days of 200 series at 15 s, with ten planted firings; a sweep of 50 variants',
  run,
};

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ColumnBatch } from '#contracts/columns.ts';
import type { Store } from '#contracts/store.ts';
import { type ColumnSpec, LOGS } from '#contracts/tables.ts';
import { findFreePort } from '#main/collector/port-owner.ts';
import { batchFromRows, type CellValue } from '#store/hot/columns-from-rows.ts';
import { openStore } from '#store/open-store.ts';
import { readSeriesSamples, type SeriesSamples } from '#store/read/read-series-samples.ts';
import { besideCompaction } from './beside-compaction.ts';
import { closedLoop, httpSender, type Payload } from './load.ts';
import { seededRandom } from './payloads.ts';
import { faultline, PROMETHEUS, prometheus, type Receiver, VICTORIA, victoria } from './remote-write.ts';
import type { Row, Scenario } from './run.ts';
import { WRITE_HEADERS, writePayloads } from './write-payloads.ts';
import { scraped, writeRequest } from './write-request.ts';

/** Samples of two hours every 15 s, of yesterday: a day that is over. */
const STEP_MS = 15_000;
const STEPS = 480;
const START_MS = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 22 * 3_600_000;
const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

const NODE_EXPORTER = '/usr/bin/prometheus-node-exporter';
/** Answers of a real node-exporter, "@@ MILLISECONDS" before each: recorded before (FAULTLINE_BENCH_SCRAPES), or now, twice a second. */
async function recorded(): Promise<string[]> {
  const file = process.env['FAULTLINE_BENCH_SCRAPES'];
  if (file)
    return readFileSync(file, 'utf8')
      .split(/^@@ .*\n/m)
      .slice(1);
  if (!existsSync(NODE_EXPORTER)) return [];
  const address = `127.0.0.1:${await findFreePort('127.0.0.1', 23_000 + (process.pid % 5_000))}`;
  const child = spawn(NODE_EXPORTER, [`--web.listen-address=${address}`], { stdio: 'ignore' });
  try {
    await new Promise((done) => setTimeout(done, 1_000));
    const bodies: string[] = [];
    for (let i = 0; i < STEPS; i++) {
      bodies.push(await (await fetch(`http://${address}/metrics`)).text());
      await new Promise((done) => setTimeout(done, 500));
    }
    return bodies;
  } finally {
    child.kill('SIGKILL');
  }
}
/** Several instances, each at another place of the recording: one machine's few series would be lost in the files' own size. */
const INSTANCES = 8;
function nodePayloads(bodies: readonly string[]): Payload[] {
  const steps = Math.min(STEPS, bodies.length);
  return Array.from({ length: steps }, (_, step) =>
    Array.from({ length: INSTANCES }, (_i, n) =>
      writeRequest(
        scraped(bodies[(step + n * Math.floor(bodies.length / INSTANCES)) % bodies.length]!, `10.0.0.${n}:9100`),
        START_MS + step * STEP_MS,
      ),
    ),
  ).flat();
}

async function bytesAt(start: () => Promise<Receiver>, payload: string, payloads: readonly Payload[]): Promise<Row> {
  const receiver = await start();
  try {
    await receiver.settle();
    const before = receiver.bytes();
    const items = payloads.reduce((sum, one) => sum + one.items, 0);
    const load = await closedLoop(httpSender(receiver.url, WRITE_HEADERS, 1), payloads, 1, items);
    await receiver.settle();
    await receiver.rest();
    const arrived = receiver.bytes() - before;
    const kept = (await receiver.compact()) - (receiver.name === 'Prometheus' ? 0 : before);
    return {
      what: `${payload}: ${receiver.name}`,
      samples: load.items,
      failed: load.failed,
      'bytes/sample as it came': round(arrived / load.items),
      'bytes/sample compacted': round(kept / load.items),
    };
  } finally {
    await receiver.stop();
  }
}

/** rate() of Prometheus without its extrapolation: what reading the samples is measured with. */
function rates(series: readonly SeriesSamples[], startMs: number, endMs: number): number {
  let sum = 0;
  for (const { timesMs, values } of series) {
    let [from, to] = [0, 0];
    for (let at = startMs + 300_000; at <= endMs; at += STEP_MS) {
      while (to < timesMs.length && timesMs[to]! <= at) to++;
      while (timesMs[from]! < at - 300_000) from++;
      if (to - from >= 2) sum += (values[to - 1]! - values[from]!) / (timesMs[to - 1]! - timesMs[from]!);
    }
  }
  return sum;
}
const SERIES = 10_000;
/** As many as bring DuckDB to join the blocks of several stretches. */
const STRETCHES_BESIDE = 3;
const CPU_ROUNDS = { rate: 40, sum: 15 };
async function cpuMs(work: () => Promise<unknown>, rounds = 1): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    took.push((user + system) / 1000);
  }
  return Math.min(...took);
}
/** Works again and again until told to end. @returns milliseconds each time took */
function again(work: () => Promise<unknown>, pauseMs: number): { end(): Promise<number[]> } {
  const took: number[] = [];
  let going = true;
  const run = (async () => {
    while (going) {
      const startedMs = performance.now();
      await work();
      took.push(performance.now() - startedMs);
      await new Promise((done) => setTimeout(done, pauseMs));
    }
  })();
  return {
    end: async () => {
      going = false;
      await run;
      return took.sort((a, b) => a - b);
    },
  };
}
const millis = (sorted: readonly number[]): string =>
  `${round(sorted[sorted.length >> 1] ?? 0, 1)} / ${round(sorted[Math.floor(sorted.length * 0.99)] ?? 0, 1)} / ${round(sorted.at(-1) ?? 0, 1)}`;

/** Samples of two hours after two hours, and what else the store is asked meanwhile. */
class Filled {
  readonly store: Store;
  private readonly random = seededRandom(11);
  private readonly values = Float64Array.from({ length: SERIES }, () => Math.floor(this.random() * 1e6));
  private position = 0;
  private step = 0;
  constructor(store: Store) {
    this.store = store;
  }
  async stretch(): Promise<void> {
    const ids = Uint32Array.from({ length: SERIES }, (_, i) => i + 1);
    const none = new Uint8Array(SERIES);
    for (let i = 0; i < STEPS; i++, this.step++) {
      for (let s = 0; s < SERIES; s++) this.values[s]! += Math.floor(this.random() * 20);
      const columns = [
        { kind: 'u32', data: ids },
        { kind: 'i64', data: new BigInt64Array(SERIES).fill(BigInt(START_MS + this.step * STEP_MS) * 1_000_000n) },
        { kind: 'f64', data: this.values },
        { kind: 'i64', data: new BigInt64Array(SERIES), present: none },
        { kind: 'i64', data: new BigInt64Array(SERIES), present: none },
        { kind: 'u32', data: new Uint32Array(SERIES) },
      ] as const;
      this.append({ table: 'samples', rows: SERIES, columns, heap: new Uint8Array(0) });
      if (i % 12 === 11) await this.store.relieve();
    }
    await this.store.flush();
  }
  /** A few log lines of the same day, into its file. */
  async lines(): Promise<void> {
    const time = BigInt(START_MS) * 1_000_000n;
    const line = Object.fromEntries(LOGS.columns.map(({ name, kind, nullable }) => [name, nullable ? null : EMPTY[kind]]));
    this.append(
      batchFromRows(
        LOGS,
        Array.from({ length: 200 }, (_, i) => ({ ...line, time, body: `line ${i} of ${this.position}` })),
      ),
    );
    await this.store.flush();
  }
  private append(batch: ColumnBatch): void {
    this.position++;
    this.store.append({ position: this.position, next: this.position + 1 }, [batch]);
  }
}
const EMPTY: Readonly<Record<ColumnSpec['kind'], CellValue>> = {
  u8: 0,
  u32: 0,
  u64: 0n,
  i64: 0n,
  f64: 0,
  uuid: new Uint8Array(16),
  string: '',
  map: { keys: [], values: [] },
  list: [],
};

/** One process: what compaction takes, what waits for it, and what reading blocks takes. */
async function inProcess(wants: (name: string) => boolean): Promise<Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'faultline-samples-'));
  const store = await openStore({
    dataDir,
    retentionSeconds: 0,
    maxSizeBytes: 1e12,
    limits: { maxSeries: 1e6 },
    nowMs: () => Date.now(),
    compaction: false,
    log: console.error,
  });
  const filled = new Filled(store);
  await filled.stretch();
  const chosen = Array.from({ length: 1_000 }, (_, i) => 1 + i * 10);
  const [from, to] = [START_MS + 1_800_000, START_MS + 5_400_000];
  const rate = async (): Promise<number> => rates(await readSeriesSamples(store, chosen, from - 300_000, to), from - 300_000, to);
  const all = 'SELECT count(*) AS n, sum(value) AS s FROM samples';
  const rows: Row[] = [];
  const read = async (form: string): Promise<void> => {
    if (!wants('read')) return;
    rows.push(
      { what: `${form}: rate of 1,000 of 10,000 series, 1 h at 15 s, CPU-ms`, figure: round(await cpuMs(rate, CPU_ROUNDS.rate), 1) },
      { what: `${form}: SQL, sum of 4.8 M samples, CPU-ms`, figure: round(await cpuMs(() => store.query(all), CPU_ROUNDS.sum), 1) },
    );
  };
  const same = async (want: readonly [unknown, number]): Promise<void> => {
    if (JSON.stringify([(await store.query(all)).rows(), await rate()]) !== JSON.stringify(want))
      throw new Error('other samples after compaction');
  };
  let want = [(await store.query(all)).rows(), await rate()] as const;
  await read('rows');
  const compaction = await cpuMs(() => store.compact());
  const alone = (await store.facts()).compaction;
  await same(want);
  await read('blocks');
  // Once more with others at work: what they wait for.
  const calm = again(() => filled.lines(), 10);
  await new Promise((done) => setTimeout(done, 2_000));
  const writes = { calm: await calm.end(), beside: [] as number[] };
  let lateMs = 0;
  const queries: number[] = [];
  for (let stretch = 0; stretch < STRETCHES_BESIDE; stretch++) {
    await filled.stretch();
    want = [(await store.query(all)).rows(), await rate()];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const writer = again(() => filled.lines(), 10);
    const reader = again(
      () => store.query(`SELECT count(*) FROM samples WHERE time >= make_timestamp_ns(${BigInt(Date.now()) * 1_000_000n})`),
      20,
    );
    await store.compact();
    delay.disable();
    lateMs = Math.max(lateMs, delay.max / 1e6);
    writes.beside.push(...(await writer.end()));
    queries.push(...(await reader.end()));
    await same(want);
  }
  const facts = (await store.facts()).compaction;
  rows.push(
    { what: 'compaction, CPU-ns a sample', figure: Math.round((compaction * 1e6) / alone.samples) },
    { what: 'compaction, longest hold of the writer by a slice, ms', figure: round(facts.longestHoldMs, 1) },
    { what: 'compaction, longest checkpoint, ms', figure: round(facts.longestCheckpointMs, 1) },
    { what: 'compaction, longest turn of the thread, ms', figure: round(facts.longestTurnMs, 1) },
    { what: 'compaction, event loop delay max, ms', figure: round(lateMs, 1) },
    { what: 'a flush of 200 lines without it, p50 / p99 / max ms', figure: millis(writes.calm) },
    { what: 'a flush of 200 lines beside it, p50 / p99 / max ms', figure: millis(writes.beside.sort((a, b) => a - b)) },
    { what: 'a small query beside it, p50 / p99 / max ms', figure: millis(queries.sort((a, b) => a - b)) },
    { what: 'block bytes a sample', figure: round(alone.blockBytes / alone.samples, 3) },
    { what: 'file in use, bytes a sample: rows', figure: round((alone.lastBytes?.before ?? 0) / alone.samples) },
    { what: 'file in use, bytes a sample: blocks', figure: round((alone.lastBytes?.after ?? 0) / alone.samples) },
  );
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
  return rows;
}

/** Bytes a sample beside peers, and what compaction and reading blocks take, what acknowledgement waits beside it. */
export const samples: Scenario = {
  name: 'samples',
  about: 'samples at rest: bytes each, beside peers where their binaries are; compaction; reading blocks',
  run: async ({ only }) => {
    const rows: Row[] = [];
    const told = (row: Row): void => {
      process.stdout.write(`${JSON.stringify(row)}\n`);
      rows.push(row);
    };
    const wants = (name: string): boolean => only.length === 0 || only.includes(name);
    if (wants('read') || wants('compaction')) for (const row of await inProcess(wants)) told(row);
    const generated = writePayloads({ series: SERIES, perRequest: 1_000, steps: STEPS, startMs: START_MS, stepMs: STEP_MS });
    if (wants('acknowledgement')) for (const row of await besideCompaction(generated)) told(row);
    const bodies = wants('node-exporter') ? await recorded() : [];
    const sets: [string, readonly Payload[]][] = [
      ['generated', generated],
      ['node-exporter', bodies.length > 0 ? nodePayloads(bodies) : []],
    ];
    const receivers = [faultline, ...(existsSync(VICTORIA) ? [victoria] : []), ...(existsSync(PROMETHEUS) ? [prometheus] : [])];
    for (const [name, payloads] of sets)
      if (wants(name) && payloads.length > 0) for (const start of receivers) told(await bytesAt(start, name, payloads));
    return rows;
  },
};

import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpuSecondsOf, rssBytesOf } from '../tests/app/faultline-process.ts';
import { closedLoop, httpSender, type Payload } from './load.ts';
import { seededRandom } from './payloads.ts';
import { faultline, PROMETHEUS, prometheus, type Receiver, VICTORIA, victoria } from './remote-write.ts';
import type { Row, Scenario } from './run.ts';
import { WRITE_HEADERS, writePayloads } from './write-payloads.ts';
import { scraped, writeRequest } from './write-request.ts';

/** 75 minutes of samples every 15 s; queries look at the last hour and the five minutes before it. */
const STEP_MS = 15_000;
const STEPS = 300;
const SERIES = 10_000;
const START_MS = Math.floor(Date.now() / STEP_MS) * STEP_MS - 80 * 60_000;
/** Between samples: Prometheus 2 counts a sample at the very start of a window in, Prometheus 3 and Faultline do not. */
const END_MS = START_MS + (STEPS - 2) * STEP_MS + 7_000;
const HOUR_MS = 3_600_000;
const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '+Inf'];
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** A classic histogram of 100 routes on two instances each: 2,200 series of buckets. */
function histogramPayloads(): Payload[] {
  const random = seededRandom(5);
  const routes = Array.from({ length: 100 }, (_, i) => `/api/v1/item-${i}`);
  const counts = Float64Array.from({ length: 200 * BOUNDS.length }, () => 0);
  return Array.from({ length: STEPS }, (_, step) => {
    const samples = ['10.0.0.1:9100', '10.0.0.2:9100'].flatMap((instance, n) => {
      const lines = routes.flatMap((route, r) => {
        let total = 0;
        return BOUNDS.map((le, b) => {
          const at = (n * 100 + r) * BOUNDS.length + b;
          counts[at] = (counts[at] as number) + Math.floor(random() * 9);
          total += counts[at] as number;
          return `http_request_duration_seconds_bucket{le="${le}",route="${route}"} ${total}`;
        });
      });
      return scraped(lines.join('\n'), instance);
    });
    return writeRequest(samples, START_MS + step * STEP_MS);
  });
}

interface Query {
  readonly name: string;
  readonly expr: string;
  /** Of an hour at 15 s; else at its end. */
  readonly isRange: boolean;
  readonly rounds: number;
}
const THOUSAND = '{code=~"200|404",method="GET"}';
const QUERIES: readonly Query[] = [
  { name: 'rate of 1,000 series', expr: `rate(http_server_requests_total${THOUSAND}[5m])`, isRange: true, rounds: 20 },
  {
    name: 'sum by (route) of rate, 1,000 series',
    expr: `sum by (route) (rate(http_server_requests_total${THOUSAND}[5m]))`,
    isRange: true,
    rounds: 20,
  },
  {
    name: 'sum by (route) of rate, 10,000 series',
    expr: 'sum by (route) (rate(http_server_requests_total[5m]))',
    isRange: true,
    rounds: 4,
  },
  { name: '1,000 series as they are', expr: `http_server_requests_total${THOUSAND}`, isRange: true, rounds: 20 },
  {
    name: 'matchers of expressions, 10,000 series to look at',
    expr: 'max by (code) ({__name__=~"http_server_.*",route=~".*-1[0-9]?",instance=~"10\\\\.0\\\\.(1|2|3)\\\\..*",code!~"2.*"})',
    isRange: true,
    rounds: 10,
  },
  {
    name: 'histogram_quantile by route, 2,200 buckets',
    expr: 'histogram_quantile(0.99, sum by (le, route) (rate(http_request_duration_seconds_bucket[5m])))',
    isRange: true,
    rounds: 10,
  },
  {
    name: 'at one time: sum by (route) of rate, 10,000 series',
    expr: 'sum by (route) (rate(http_server_requests_total[5m]))',
    isRange: false,
    rounds: 20,
  },
  { name: 'at one time: topk of 10,000 series', expr: 'topk(10, http_server_requests_total)', isRange: false, rounds: 20 },
  {
    name: 'at one time: one series',
    expr: 'http_server_requests_total{code="200",method="GET",route="/api/v1/resource-3",instance="10.0.1.17:9100"}',
    isRange: false,
    rounds: 100,
  },
];
const pathOf = ({ expr, isRange }: Query): string => {
  // VictoriaMetrics alone knows nocache; the others pass over it.
  const common = `query=${encodeURIComponent(expr)}&nocache=1`;
  return isRange
    ? `/api/v1/query_range?${common}&start=${(END_MS - HOUR_MS) / 1000}&end=${END_MS / 1000}&step=15`
    : `/api/v1/query?${common}&time=${END_MS / 1000}`;
};

type Points = ReadonlyMap<string, readonly (readonly [number, string])[]>;
interface Answered {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}
async function answerOf(receiver: Receiver, query: Query): Promise<Points> {
  const answer = (await (await receiver.ask(pathOf(query))).json()) as Answered;
  if (answer.status !== 'success') throw new Error(`${receiver.name}: ${query.name}: ${answer.error}`);
  return new Map(
    answer.data.result.map(({ metric, value, values }) => [
      JSON.stringify(Object.entries(metric).sort()),
      values ?? [value as readonly [number, string]],
    ]),
  );
}
/** How many points of `b` there are in `a` too and within 1e-9 of each other. */
function sameOf(a: Points, b: Points): string {
  let [same, all] = [0, 0];
  for (const [key, points] of b) {
    const own = new Map(a.get(key));
    for (const [at, text] of points) {
      all++;
      const [x, y] = [Number(own.get(at)), Number(text)];
      if (x === y || Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y))) same++;
    }
  }
  const more = [...a.keys()].filter((key) => !b.has(key)).length;
  return same === all && more === 0 ? 'all' : `${round((same / all) * 100)} %`;
}
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;

/** Asks /healthz over and over: how long the thread of the sockets lets others wait. */
async function pinged(receiver: Receiver, work: () => Promise<unknown>): Promise<number[]> {
  const url = new URL((await receiver.ask('/healthz')).url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const took: number[] = [];
  let going = true;
  const pinging = (async () => {
    while (going) {
      const startedMs = performance.now();
      await new Promise<void>((done, fail) => {
        request(url, { agent }, (answer) => answer.resume().on('end', done))
          .on('error', fail)
          .end();
      });
      took.push(performance.now() - startedMs);
      await new Promise((done) => setTimeout(done, 2));
    }
  })();
  await work();
  going = false;
  await pinging;
  agent.destroy();
  return took.sort((a, b) => a - b);
}
const consume = async (receiver: Receiver, query: Query): Promise<number> =>
  (await (await receiver.ask(pathOf(query), { headers: { 'accept-encoding': 'identity' } })).arrayBuffer()).byteLength;

/** A sample of the earliest time there is: of what a thread of ours knows nothing may be used. */
let lateSamples = 0;
async function comeLate(receiver: Receiver): Promise<void> {
  const { body } = writeRequest(scraped(`late_total ${++lateSamples}`, 'late:9100'), START_MS + lateSamples);
  const answer = await fetch(receiver.url, { method: 'POST', headers: WRITE_HEADERS, body: body as Uint8Array<ArrayBuffer> });
  if (!answer.ok) throw new Error(`a late sample: ${answer.status}`);
  // The engine has it a moment after the collector has.
  await new Promise((done) => setTimeout(done, 300));
}
/** CPU-ms of a query that reads all its samples, though it was asked before. */
async function readAnew(receiver: Receiver, query: Query): Promise<number> {
  const ROUNDS = 5;
  let seconds = 0;
  for (let i = 0; i < ROUNDS; i++) {
    await comeLate(receiver);
    const before = cpuSecondsOf(receiver.pid);
    await consume(receiver, query);
    seconds += cpuSecondsOf(receiver.pid) - before;
  }
  return (seconds * 1000) / ROUNDS;
}

async function measure(receiver: Receiver, query: Query, form: string): Promise<Row> {
  let bytes = 0;
  for (let i = 0; i < 3; i++) bytes = await consume(receiver, query);
  const took: number[] = [];
  const cpuBefore = cpuSecondsOf(receiver.pid);
  for (let i = 0; i < query.rounds; i++) {
    const startedMs = performance.now();
    await consume(receiver, query);
    took.push(performance.now() - startedMs);
  }
  const cpu = cpuSecondsOf(receiver.pid) - cpuBefore;
  const isOwn = receiver.name === 'Faultline';
  const anew = isOwn ? { 'CPU-ms, read anew': round(await readAnew(receiver, query)) } : {};
  const pings = isOwn
    ? await pinged(receiver, async () => {
        for (let i = 0; i < 4; i++) await consume(receiver, query);
      })
    : [];
  return {
    query: query.name,
    server: receiver.name + form,
    'CPU-ms': round((cpu * 1000) / query.rounds),
    ...anew,
    'wall p50 ms': round(
      quantile(
        took.sort((a, b) => a - b),
        0.5,
      ),
    ),
    'answer kB': Math.round(bytes / 1000),
    ...(pings.length > 0 ? { 'others wait p99 / max ms': `${round(quantile(pings, 0.99))} / ${round(pings.at(-1) as number)}` } : {}),
    'RSS MB': Math.round(rssBytesOf(receiver.pid) / 1e6),
  };
}

/** The same samples in three stores, the same queries asked of each, and their answers compared. */
export const promql: Scenario = {
  name: 'promql',
  about: `PromQL over ${SERIES} counters and 2,200 buckets, every 15 s: CPU of all processes of a server a query, JSON not compressed; answers beside Prometheus'`,
  run: async ({ quick, only, turns }) => {
    // In the order of time: Prometheus refuses what is an hour older than the newest.
    const counters = writePayloads({ series: SERIES, perRequest: 1_000, steps: STEPS, startMs: START_MS, stepMs: STEP_MS });
    const each = counters.length / STEPS;
    const payloads = histogramPayloads().flatMap((one, step) => [...counters.slice(step * each, (step + 1) * each), one]);
    const items = payloads.reduce((sum, one) => sum + one.items, 0);
    const wanted = (name: string): boolean => only.length === 0 || only.some((part) => name.includes(part));
    const starts = [
      faultline,
      ...(existsSync(VICTORIA) && !only.includes('Faultline') ? [victoria] : []),
      ...(existsSync(PROMETHEUS) && !only.includes('Faultline') ? [prometheus] : []),
    ];
    const rows: Row[] = [];
    const receivers: Receiver[] = [];
    try {
      for (const start of starts) {
        const receiver = await start();
        receivers.push(receiver);
        const load = await closedLoop(httpSender(receiver.url, WRITE_HEADERS, 1), payloads, 1, items);
        if (load.failed > 0) throw new Error(`${receiver.name} refused ${load.failed} requests`);
        await receiver.settle();
      }
      const own = receivers[0] as Receiver;
      const reference = receivers.find(({ name }) => name === 'Prometheus');
      for (const query of QUERIES.filter(({ name }) => only.includes('Faultline') || wanted(name))) {
        for (let turn = 0; turn < turns; turn++)
          for (const receiver of receivers) {
            const row = await measure(receiver, query, '');
            rows.push(
              reference
                ? { ...row, "points as Prometheus'": sameOf(await answerOf(receiver, query), await answerOf(reference, query)) }
                : row,
            );
            process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
          }
      }
      if (quick) return rows;
      await own.compact();
      for (const query of QUERIES.filter(({ name }) => only.includes('Faultline') || wanted(name))) {
        rows.push(await measure(own, query, ', in blocks'));
        process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
      }
      return rows;
    } finally {
      for (const receiver of receivers) await receiver.stop();
    }
  },
};

import type { Browser } from 'playwright-core';
import { startFaultline } from '../tests/app/faultline-process.ts';
import { cannotRun, launch, openConsole } from '../tests/ui/console-page.ts';
import { httpSender } from './load.ts';
import type { Row, Scenario } from './run.ts';
import { oneTracePayloads } from './trace-payloads.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const ROUNDS = 5;
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** In the page: each animation frame until rows are on the screen; milliseconds since the click, and the answer's way. */
const OPEN = `new Promise((done) => {
  const link = document.querySelector('a[href*="${TRACE}"]');
  performance.clearResourceTimings();
  const started = performance.now();
  link.click();
  const look = () => {
    if (!document.querySelector('[role=listbox][aria-label=Spans] [role=option]')) return void requestAnimationFrame(look);
    const drawn = performance.now();
    const answer = performance.getEntriesByType('resource').find((entry) => entry.name.includes('/console/traces/${TRACE}'));
    requestAnimationFrame(() => done({
      open: performance.now() - started,
      first: answer.responseStart - started,
      body: answer.responseEnd - answer.responseStart,
      page: drawn - answer.responseEnd,
      bytes: answer.decodedBodySize,
    }));
  };
  requestAnimationFrame(look);
})`;
/** In the page: scrolls the waterfall by three rows a frame; how long the frames took. */
const SCROLL = `new Promise((done) => {
  const list = document.querySelector('[role=listbox][aria-label=Spans]');
  const frames = [];
  let before = 0;
  const turn = (now) => {
    if (before > 0) frames.push(now - before);
    before = now;
    list.scrollTop += 84;
    if (frames.length < 300) requestAnimationFrame(turn);
    else done(frames);
  };
  requestAnimationFrame(turn);
})`;
interface Opened {
  readonly open: number;
  readonly first: number;
  readonly body: number;
  readonly page: number;
  readonly bytes: number;
}

async function measure(browser: Browser, faultline: Awaited<ReturnType<typeof startFaultline>>, range: string): Promise<Row> {
  const rounds: Opened[] = [];
  let frames: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const opened = await openConsole(browser, faultline, { path: `/explore/traces?${range}` });
    await opened.page.locator(`a[href*="${TRACE}"]`).waitFor();
    rounds.push((await opened.page.evaluate(OPEN)) as Opened);
    frames = (await opened.page.evaluate(SCROLL)) as number[];
    await opened.close();
    if (opened.problems.length > 0) throw new Error(opened.problems.join('\n'));
  }
  const of = (read: (one: Opened) => number): number => Math.round(median(rounds.map(read)));
  frames.sort((a, b) => a - b);
  return {
    'click to rows ms': of((one) => one.open),
    'to first byte ms': of((one) => one.first),
    'body ms': of((one) => one.body),
    'decode, build, draw ms': of((one) => one.page),
    'answer MB': Number((of((one) => one.bytes) / 1e6).toFixed(1)),
    'scroll frame p50 ms': Number(median(frames).toFixed(1)),
    'scroll frame p95 ms': Number((frames[Math.floor(frames.length * 0.95)] ?? Number.NaN).toFixed(1)),
  };
}

/** A large trace in Chromium: from the click in the list until its rows are painted, then scrolling. */
export const tracePage: Scenario = {
  name: 'trace-page',
  about: `one trace opened in headless Chromium (no GPU) against a real engine, rows stored; median of ${ROUNDS}; scroll: 3 rows a frame`,
  run: async ({ quick }) => {
    if (cannotRun !== null) throw new Error(`trace-page needs the page and a browser: ${cannotRun}`);
    const rows: Row[] = [];
    for (const spans of quick ? [100_000] : [10_000, 100_000]) {
      const [browser, faultline] = await Promise.all([launch(), startFaultline()]);
      try {
        const startMs = Date.now() - 120_000;
        const traceId = Uint8Array.from(TRACE.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
        const send = httpSender(`${faultline.ingest}/v1/traces`, { 'content-type': 'application/x-protobuf' }, 2);
        for (const payload of oneTracePayloads({ traceId, spans, seed: 7, startUnixNano: BigInt(startMs) * 1_000_000n }))
          await send(payload);
        await faultline.flush();
        rows.push({ spans, ...(await measure(browser, faultline, `from=${startMs - 60_000}&to=${startMs + 120_000}`)) });
      } finally {
        await browser.close();
        await faultline.stop();
      }
    }
    return rows;
  },
};

import type { Page } from 'playwright-core';
import { startFaultline } from '../tests/app/faultline-process.ts';
import { cannotRun, launch, openConsole } from '../tests/ui/console-page.ts';
import { otlpLogs } from '../tests/ui/otlp-logs.ts';
import type { Row, Scenario } from './run.ts';

const LINES = 10_000;
/** Lines of one request. */
const BATCH = 1_000;
const ROW_PX = 28;
const LIST = '[role=listbox][aria-label=Logs]';

/** In the page: scrolls by so many pixels a frame, down to the end or for so many frames; how long the frames took, and the rows drawn at the end. */
const scroll = (stepPx: number, most: number): string => `new Promise((done) => {
  const list = document.querySelector('${LIST}');
  list.scrollTop = 0;
  const frames = [];
  let before = 0;
  const turn = (now) => {
    if (before > 0) frames.push(now - before);
    before = now;
    const from = list.scrollTop;
    list.scrollTop += ${stepPx};
    if (frames.length < ${most} && (frames.length < 2 || list.scrollTop > from)) requestAnimationFrame(turn);
    else done({ frames, last: Math.max(...[...list.querySelectorAll('[role=option]')].map((row) => Number(row.ariaPosInSet))), drawn: list.querySelectorAll('[role=option]').length });
  };
  requestAnimationFrame(turn);
})`;
interface Scrolled {
  readonly frames: number[];
  readonly last: number;
  readonly drawn: number;
}
async function measure(page: Page, name: string, stepPx: number, most: number): Promise<Row> {
  const { frames, last, drawn } = (await page.evaluate(scroll(stepPx, most))) as Scrolled;
  frames.sort((a, b) => a - b);
  const at = (share: number): number => Number((frames[Math.floor((frames.length - 1) * share)] ?? Number.NaN).toFixed(1));
  return {
    scroll: name,
    frames: frames.length,
    'last row': last,
    'rows in the page': drawn,
    'frame p50 ms': at(0.5),
    'p95 ms': at(0.95),
    'p99 ms': at(0.99),
    'longest ms': at(1),
    'over 33 ms': frames.filter((ms) => ms > 33.4).length,
  };
}
/** Pages in all lines, as a person does: End until the list has them. */
async function loadAll(page: Page): Promise<void> {
  const list = page.locator(LIST);
  await list.getByRole('option').first().waitFor();
  await list.focus();
  for (let turn = 0; turn < 200; turn++) {
    const size = await list.getByRole('option').first().getAttribute('aria-setsize');
    if (Number(size) >= LINES) return;
    await page.keyboard.press('End');
    await page.waitForTimeout(50);
  }
  throw new Error(`the list did not reach ${LINES} lines`);
}

/** A long list of log lines in Chromium: frame times while it is scrolled. */
export const logList: Scenario = {
  name: 'log-list',
  about: `${LINES} log lines, all paged in, scrolled in headless Chromium (no GPU) against a real engine`,
  run: async ({ quick }) => {
    if (cannotRun !== null) throw new Error(`log-list needs the page and a browser: ${cannotRun}`);
    const [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    try {
      const endMs = Date.now() - 60_000;
      for (let batch = 0; batch < LINES / BATCH; batch++) {
        const body = JSON.stringify(
          otlpLogs(`lister-${batch % 4}`, endMs - batch * 1_000, BATCH, { 'http.route': { stringValue: '/products/{id}' } }),
        );
        const answer = await fetch(`${faultline.ingest}/v1/logs`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
        if (!answer.ok) throw new Error(`/v1/logs: ${answer.status} ${await answer.text()}`);
      }
      await faultline.flush();
      const { page, problems } = await openConsole(browser, faultline, {
        path: `/explore/logs?from=${endMs - 600_000}&to=${endMs + 10_000}`,
      });
      await loadAll(page);
      const rows = [
        await measure(page, 'three rows a frame', 3 * ROW_PX, quick ? 300 : LINES),
        await measure(page, 'a screen of 20 rows a frame, to the end', 20 * ROW_PX, LINES),
      ];
      if (problems.length > 0) throw new Error(problems.join('\n'));
      return rows;
    } finally {
      await browser.close();
      await faultline.stop();
    }
  },
};

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsolePage, cannotRun, launch, openConsole } from './console-page.ts';

describe.skipIf(cannotRun !== null)(`files dropped on the console${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-drop-'));
  let browser: Browser;
  let faultline: FaultlineProcess;
  let opened: ConsolePage | null = null;
  beforeAll(async () => {
    [browser, faultline] = await Promise.all([launch(), startFaultline({ args: ['--retention', 'off'] })]);
  });
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });
  afterAll(async () => {
    await faultline?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  /** A file held over the window, and let go. */
  const drop = (name: string, text: string): Promise<unknown> =>
    // As text: the page's own types are not those of the tests.
    (opened as ConsolePage).page.evaluate(`{
      const data = new DataTransfer();
      data.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
      for (const type of ['dragenter', 'dragover', 'drop'])
        window.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }`);
  const file = (name: string) => (opened as ConsolePage).page.getByTestId('import-file').filter({ hasText: name });
  const csv = 'when,level,message,who\n2026-11-21 19:33:55,error,boom,cart\nnot a time,info,bad,cart\n2026-11-21 19:33:56,info,fine,cart\n';

  it('anywhere: bad records by line, a link to what came in; the second time nothing is added', async () => {
    opened = await openConsole(browser, faultline, { path: '/sources' });
    const { page, problems } = opened;
    await page.getByRole('button', { name: 'Open files' }).waitFor();
    await drop('pod.txt', '2026-11-21T19:33:55.123456789Z started\n2026-11-21T19:33:56.123456789Z \xff stopped\n');
    await file('pod.txt').getByText('2 logs').waitFor();
    await drop('metrics.txt', '# TYPE walk gauge\nwalk 1 1795289635000\nbad{ 1\n');
    await file('metrics.txt').getByText('Line 3:').waitFor();
    expect(await accessProblems(page)).toEqual([]);
    await drop('copy.txt', '# TYPE walk gauge\nwalk 1 1795289635000\nbad{ 1\n');
    await file('copy.txt').getByText('Already imported on').waitFor();
    await file('pod.txt').getByRole('link', { name: 'Logs' }).click();
    await page.waitForURL('**/explore/logs?from=17952896*');
    await page.getByText('started').first().waitFor();
    expect(problems).toEqual([]);
  });
  it('a table by keyboard alone: its columns are shown, one is changed, it comes in so', async () => {
    opened = await openConsole(browser, faultline, { path: '/sources', theme: 'light', locale: 'zh' });
    const { page, problems } = opened;
    await page.getByRole('button', { name: '打开文件…' }).waitFor();
    await drop('shop.csv', csv);
    const column = page.getByLabel('列 who 是');
    await column.waitFor();
    expect(await page.getByLabel('列 when 是').inputValue()).toBe('time');
    // Answers about the columns that come after the import has begun say nothing any more.
    const held: Route[] = [];
    await page.route('**/console/uploads/*/preview', (route) => void held.push(route));
    await column.focus();
    for (let n = 0; n < 4; n++) await page.keyboard.press('ArrowDown');
    expect(await column.inputValue()).toBe('service');
    expect(await page.getByLabel('列 when 是').inputValue()).toBe('time');
    expect(await accessProblems(page)).toEqual([]);
    const start = page.getByRole('button', { name: '导入', exact: true });
    await start.focus();
    await page.keyboard.press('Enter');
    await file('shop.csv').getByText('第 3 行').waitFor();
    expect(held).not.toEqual([]);
    await Promise.all(held.map(async (route) => (await Promise.all([route.request().response(), route.continue()]))[0]?.finished()));
    await file('shop.csv').getByText('第 3 行').waitFor();
    await faultline.flush();
    expect(await faultline.sql("SELECT count(*)::INT AS n FROM logs WHERE service = 'cart'")).toEqual([{ n: 2 }]);
    // The late questions are refused (the import has begun); nothing else goes wrong.
    expect(problems.filter((problem) => !/400 \(Bad Request\) \S+preview$/.test(problem))).toEqual([]);
  });
  it('a snapshot of Prometheus, as a folder: each block as one file', async () => {
    opened = await openConsole(browser, faultline, { path: '/sources' });
    const { page, problems } = opened;
    await page.getByRole('button', { name: 'Open files' }).waitFor();
    const snapshot = join(folder, 'snapshot');
    cpSync(join(import.meta.dirname, '../fixtures/tsdb-block'), join(snapshot, '01BLOCK'), { recursive: true });
    // By the browser itself: a page cannot make a folder.
    const session = await page.context().newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', {
        type,
        x: 400,
        y: 300,
        data: { items: [], files: [snapshot], dragOperationsMask: 1 },
      });
    await file('01BLOCK.zip')
      .getByText(/[1-9]\d* points/)
      .waitFor();
    await faultline.flush();
    expect(await faultline.sql("SELECT count(*) > 0 AS is_there FROM samples JOIN series USING (series_id) WHERE metric = 'g'")).toEqual([
      { is_there: true },
    ]);
    expect(problems).toEqual([]);
  });
  it('an engine that restarts is sent its files again; a file that is gone is told to be', async () => {
    opened = await openConsole(browser, faultline, { path: '/sources' });
    const { page } = opened;
    await page.getByRole('button', { name: 'Open files' }).click();
    await drop('table.csv', 'when,level,message,who\n2026-11-20 19:33:55,error,boom,forgotten\n');
    await page.getByLabel('Column who is').selectOption('service');
    process.kill(faultline.pids()['engine'] as number, 'SIGKILL');
    const uploads = (): Promise<string> => faultline.fetch('/console/uploads').then((answer) => answer.text(), String);
    await expect.poll(uploads, { timeout: 20_000 }).toBe('{"jobs":[]}');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await file('table.csv').getByText('1 logs').waitFor();
    await faultline.flush();
    expect(await faultline.sql("SELECT count(*)::INT AS n FROM logs WHERE service = 'forgotten'")).toEqual([{ n: 1 }]);
    const gone = join(folder, 'gone.log');
    writeFileSync(gone, 'x');
    await page.route('**/console/uploads', (route) => {
      rmSync(gone, { force: true });
      return route.continue();
    });
    await page.getByTestId('import-picker').setInputFiles(gone);
    await file('gone.log').getByText('It cannot be read any more').waitFor();
  });
});

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsolePage, cannotRun, launch, openConsole } from './console-page.ts';
import { otlpSpan } from './otlp-span.ts';

const TRACE_ID = '5b8efff798038103d269b633813fc60c';

describe.skipIf(cannotRun !== null)(`first run${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let opened: ConsolePage | null = null;
  beforeAll(async () => {
    [browser, faultline] = await Promise.all([launch(), startFaultline()]);
  });
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });
  afterAll(async () => {
    await faultline?.stop();
  });
  const open = async (
    ...args: Parameters<typeof openConsole> extends [Browser, FaultlineProcess, ...infer Rest] ? Rest : never
  ): Promise<ConsolePage> => {
    opened = await openConsole(browser, faultline, ...args);
    return opened;
  };

  it('asks for the token, and lets in with it', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(faultline.api);
    await page.getByLabel('Token', { exact: true }).fill('wrong-token-000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Token', { exact: true }).fill(faultline.token);
    await page.keyboard.press('Enter');
    await page.getByTestId('first-run').waitFor();
    await context.close();
  });
  it('shows three doors; the lines to paste hold the real address', async () => {
    const { page, problems } = await open();
    await page.getByTestId('first-run').waitFor();
    for (const door of ['Send', 'Open', 'Show me']) await page.getByRole('region', { name: door }).waitFor();
    expect(await page.getByTestId('send-lines').innerText()).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT=${faultline.ingest}`);
    await page.getByRole('tab', { name: 'In Docker' }).click();
    expect(await page.getByTestId('send-lines').innerText()).toContain(`host.docker.internal:${new URL(faultline.ingest).port}`);
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
  it('is as readable in light and Chinese', async () => {
    const { page, problems } = await open({ theme: 'light', locale: 'zh' });
    await page.getByRole('heading', { name: '遥测数据从哪里来？' }).waitFor();
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
  it('explains a refused request while it waits', async () => {
    const { page } = await open();
    await page.getByText('Waiting: nothing has arrived').waitFor();
    const refused = await fetch(`${faultline.ingest}/v1/traces`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' });
    expect(refused.status).toBe(415);
    await page.getByRole('alert').filter({ hasText: 'content type' }).waitFor();
  });
  it('opens a file, and says line by line what it could not take', async () => {
    const { page } = await open();
    const good = JSON.stringify(otlpSpan('from-file', TRACE_ID, Date.now()));
    await page
      .getByTestId('file-picker')
      .setInputFiles({ name: 'broken.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from('{"resourceSpans":[{}]}\nnot json\n') });
    await page.getByText('broken.jsonl').waitFor();
    await page.getByText('Line 2:').waitFor();
    await page.getByTestId('file-picker').setInputFiles({ name: 'good.json', mimeType: 'application/json', buffer: Buffer.from(good) });
    await page.waitForURL(`**/explore/traces/${TRACE_ID}**`);
    await page.getByRole('heading', { name: 'from-file' }).waitFor();
  });
});

describe.skipIf(cannotRun !== null)(`first byte${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  it('flips to the first span as it arrives, and says whose it is', async () => {
    const [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    try {
      const { page, problems } = await openConsole(browser, faultline);
      await page.getByTestId('first-run').waitFor();
      const sent = await fetch(`${faultline.ingest}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(otlpSpan('hello', TRACE_ID, Date.now())),
      });
      expect(sent.status).toBe(200);
      await page.waitForURL(`**/explore/traces/${TRACE_ID}**`);
      await page.getByText('First span from hello').waitFor();
      expect(problems).toEqual([]);
    } finally {
      await faultline.stop();
    }
  });
});

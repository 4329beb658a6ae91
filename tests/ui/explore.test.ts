import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsoleOptions, cannotRun, launch, openConsole } from './console-page.ts';
import { otlpLogs } from './otlp-logs.ts';
import { otlpSpan } from './otlp-span.ts';

/** More than two pages, most of one time. */
const LINES = 4_500;
const THROWN = '0af7651916cd43dd8448eb211c80319c';

/** Explore over telemetry made for each question, on the real engine. */
describe.skipIf(cannotRun !== null)(`explore${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  const nowMs = Date.now() - 60_000;
  const range = `from=${nowMs - 600_000}&to=${nowMs + 600_000}`;

  async function send(signal: 'traces' | 'logs' | 'metrics', body: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${faultline.ingest}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`/v1/${signal}: ${answer.status} ${await answer.text()}`);
  }
  async function on(options: ConsoleOptions, look: (page: Page) => Promise<void>): Promise<void> {
    const opened = await openConsole(browser, faultline, options);
    try {
      await look(opened.page);
      expect(opened.problems).toEqual([]);
    } finally {
      await opened.close();
    }
  }
  beforeAll(async () => {
    [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    await send('traces', otlpSpan('thrower', THROWN, nowMs, { exception: 'java.lang.IllegalStateException' }));
    await send('logs', otlpLogs('chooser', nowMs, 3, { tenant: { stringValue: 'a' } }));
    await send('logs', otlpLogs('chooser', nowMs, 2, { tenant: { stringValue: 'ab' } }));
    await send('logs', otlpLogs('lister', nowMs, LINES));
    await faultline.flush();
  });
  afterAll(async () => {
    await faultline?.stop();
  });

  it('an exception in a span without error status is marked in the waterfall and read in its panel', () =>
    on({ path: `/explore/traces/${THROWN}` }, async (page) => {
      const row = page.getByRole('listbox', { name: 'Spans' }).getByRole('option').first();
      await row.getByTitle('exceptions: 1').first().waitFor();
      expect(await row.getByTitle('exceptions: 1').count()).toBe(2);
      await row.click();
      const panel = page.getByRole('complementary', { name: 'Span' });
      await panel.getByRole('tab', { name: /Events/ }).click();
      await panel.getByText('java.lang.IllegalStateException').waitFor();
      expect(await accessProblems(page)).toEqual([]);
    }));
  it('the same key and value of a record and of its resource are two filters, each removed by itself', () =>
    on({ path: `/explore/logs?${range}&where=attribute:tenant=a,resource:tenant=a` }, async (page) => {
      const chips = page.getByRole('list', { name: 'Active filters' }).getByRole('button');
      await chips.nth(1).waitFor();
      await chips.first().click();
      await page.waitForURL((url) => url.searchParams.get('where') === 'resource:tenant=a');
      expect(await chips.count()).toBe(1);
    }));
  it('a value clicked in a record filters to exactly it; its chip stands in the address and goes by keyboard', () =>
    on({ path: `/explore/logs?${range}&service=chooser` }, async (page) => {
      const note = page.getByTestId('rows-note');
      await note.getByText('5', { exact: true }).waitFor();
      await page.getByRole('listbox', { name: 'Logs' }).getByRole('option').first().click();
      const detail = page.getByRole('complementary', { name: 'Log record' });
      await detail.getByRole('button', { name: 'Leave out chooser' }).waitFor();
      const tenant = await detail.getByRole('button', { name: /^Look for ab?$/ }).innerText();
      await detail.getByRole('button', { name: `Look for ${tenant}`, exact: true }).click();
      await note.getByText(tenant === 'a' ? '3' : '2', { exact: true }).waitFor();
      expect(new URL(page.url()).searchParams.get('where')).toBe(`attribute:tenant=${tenant}`);
      const chip = page.getByRole('list', { name: 'Active filters' }).getByRole('button');
      expect(await chip.innerText()).toContain(`tenant = ${tenant}`);
      expect(await accessProblems(page)).toEqual([]);
      await chip.focus();
      await page.keyboard.press('Enter');
      await note.getByText('5', { exact: true }).waitFor();
      await page.goBack();
      await chip.waitFor();
    }));
  it.each([
    ['en', 'There is no page at this address.', 'Go to Now'],
    ['zh', '此地址没有页面。', '返回“当前”'],
  ] as const)('an address without a page says so and leads home (%s)', (locale, says, home) =>
    on({ path: '/no/such', locale }, async (page) => {
      await page.getByText(says).waitFor();
      expect(await accessProblems(page)).toEqual([]);
      await page.getByRole('link', { name: home }).click();
      await page.waitForURL(`${faultline.api}/`);
    }),
  );
  it('a failure is told in Chinese, with the words of the engine behind it', async () => {
    const opened = await openConsole(browser, faultline, { path: `/explore/traces/${'0'.repeat(31)}1`, locale: 'zh', theme: 'light' });
    const alert = opened.page.getByRole('alert');
    await alert.getByText('没有这个对象。').waitFor();
    await alert.getByText('There is no trace').waitFor();
    await alert.getByText('它可能已因保留期限被清除').waitFor();
    expect(await accessProblems(opened.page)).toEqual([]);
    await opened.close();
  });
  it('says what the engine does before it can answer', async () => {
    const opened = await openConsole(browser, faultline, { locale: 'zh', theme: 'light' });
    const { page } = opened;
    const banner = page.getByTestId('engine-starting');
    await page.getByText('实时').first().waitFor();
    const migration = { from: 4, to: 5, state: 'changing', table: 'spans', part: 0.37, seconds: 12 };
    const file = { file: 'telemetry-2026-11-20.duckdb', bytes: 1.2e9 };
    const error = { code: 'starting', message: 'in English', todo: '', migration: { ...migration, ...file } };
    await page.route('**/console/events', (route) => route.abort());
    await page.route('**/console/state', (route) => route.fulfill({ status: 503, json: { error } }));
    await page.reload();
    await banner.getByText('telemetry-2026-11-20.duckdb（1.2 GB）：从布局 4 升级到 5：已用 12 秒，spans 的行已完成 37 %').waitFor();
    await banner.getByText('引擎正在启动').waitFor();
    expect(await accessProblems(page)).toEqual([]);
    await page.unrouteAll();
    await banner.waitFor({ state: 'detached' });
    await opened.close();
  });
  it('a value clicked in a span finds the spans with it', () =>
    on({ path: `/explore/traces/${THROWN}` }, async (page) => {
      await page.getByRole('listbox', { name: 'Spans' }).getByRole('option').first().click();
      await page.getByRole('button', { name: 'Look for /first' }).click();
      await page.waitForURL((url) => url.searchParams.get('where') === 'attribute:http.route=%2Ffirst');
      await page.getByRole('listbox', { name: 'Traces' }).getByRole('option').first().waitFor();
    }));
  it('logs are paged to their end while they are scrolled, and the count says how many there are', () =>
    on({ path: `/explore/logs?${range}&service=lister` }, async (page) => {
      const note = page.getByTestId('rows-note');
      await note.getByText('2,000 of 4,500').waitFor();
      const list = page.getByRole('listbox', { name: 'Logs' });
      await list.focus();
      await page.keyboard.press('End');
      await note.getByText('4,000 of 4,500').waitFor();
      await page.keyboard.press('End');
      await note.getByText('4,500', { exact: true }).waitFor();
      await page.keyboard.press('End');
      await list.getByRole('option', { selected: true }).waitFor();
      expect(await list.getByRole('option', { selected: true }).getAttribute('aria-posinset')).toBe('4500');
      expect(await list.getByRole('option').count()).toBeLessThan(100);
    }));
});

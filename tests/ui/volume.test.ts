import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { startMixedLoad } from '../app/mixed-load.ts';
import { accessProblems } from './check-access.ts';
import { cannotRun, launch, openConsole } from './console-page.ts';

/** Who fills the disk, on the real engine under a real load. */
describe.skipIf(cannotRun !== null)(`volume${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let load: ReturnType<typeof startMixedLoad>;
  beforeAll(async () => {
    [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    load = startMixedLoad(faultline.ingest);
    await vi.waitUntil(() => load.counts.acknowledged > 20, { timeout: 20_000 });
    await load.stop();
    await faultline.flush();
  });
  afterAll(async () => {
    await faultline?.stop();
  });

  it('metric to label to value by keyboard, and back by the crumbs', async () => {
    const { page, problems, close } = await openConsole(browser, faultline);
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.getByRole('heading', { name: 'Who fills it' }).waitFor();
    const first = page.locator('main table td a').first();
    await first.waitFor();
    const metric = await first.innerText();
    await first.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Where you are' }).getByText(metric, { exact: true }).waitFor();
    await page.getByRole('columnheader', { name: /Series without it/ }).waitFor();
    expect(await accessProblems(page)).toEqual([]);
    await page.getByRole('navigation', { name: 'Where you are' }).getByRole('link', { name: 'Metrics' }).click();
    await page.getByRole('columnheader', { name: 'Metric' }).waitFor();
    await page.getByRole('tab', { name: 'Files' }).click();
    await page.getByRole('cell', { name: 'catalog' }).waitFor();
    expect(problems).toEqual([]);
    await close();
  });
  it('a row becomes a rule: preview, in force, off, removed', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/volume?view=logs' });
    await page
      .getByRole('button', { name: /^Make a rule for/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('counted on the stored data of the window').waitFor();
    expect(await dialog.locator('li.mono').count()).toBeGreaterThan(0);
    await dialog.getByLabel('Keep one in').fill('1');
    await dialog.getByText(/Too small/).waitFor();
    await dialog.getByRole('radio', { name: 'Drop' }).check();
    await dialog.getByLabel('Name').fill('no lines');
    expect(await accessProblems(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Put it in force' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('tab', { name: /Rules/ }).click();
    const row = page.getByRole('row', { name: /no lines/ });
    await row.getByRole('button', { name: 'Turn off' }).click();
    await row.getByRole('button', { name: 'Turn on' }).waitFor();
    expect(await accessProblems(page)).toEqual([]);
    await row.getByRole('button', { name: 'Remove' }).click();
    await row.getByRole('button', { name: 'Remove it?' }).click();
    await page.getByText('No rule is in force').waitFor();
    await page.getByText('removed', { exact: true }).waitFor();
    // What the engine refused, the browser says too.
    expect(problems.filter((problem) => !problem.includes('/console/volume/preview'))).toEqual([]);
    await close();
  });
  it('a limit by source: set, what is used of it today, removed', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/volume?view=limits' });
    await page.getByText('No source has a limit of its own').waitFor();
    const form = page.getByRole('form', { name: 'Set limit' });
    await form.getByLabel('Source').fill('otlp-*');
    await form.getByLabel('GB a day').fill('2.5');
    await form.getByRole('button', { name: 'Set limit' }).click();
    const row = page.getByRole('row', { name: /otlp-\*/ });
    await row.getByText('2.5 GB').waitFor();
    const more = startMixedLoad(faultline.ingest);
    await page.getByRole('row', { name: /otlp-http .*[kM]B/ }).waitFor();
    await more.stop();
    expect(await accessProblems(page)).toEqual([]);
    await row.getByRole('button', { name: 'Remove' }).click();
    await row.getByRole('button', { name: 'Remove it?' }).click();
    await page.getByText('No source has a limit of its own').waitFor();
    expect(problems).toEqual([]);
    await close();
  });
  it('logs by service and pattern in Chinese, light', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/volume?view=logs', locale: 'zh', theme: 'light' });
    await page.locator('main table td a').first().click();
    await page.getByRole('columnheader', { name: '模式' }).waitFor();
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { startMixedLoad } from '../app/mixed-load.ts';
import { accessProblems } from './check-access.ts';
import { cannotRun, launch, openConsole } from './console-page.ts';

/** The one that fires needs no data. */
const RULES = `groups:
- name: shop
  interval: 1s
  rules:
  - alert: AlwaysOn
    expr: vector(7) > 5
    labels: {severity: critical, team: shop}
    annotations: {summary: 'It is {{ $value }}', runbook_url: 'https://runbooks.example/on', other: 'javascript:alert(1)'}
  - alert: NotYet
    expr: vector(1)
    for: 1h
  - alert: NoEnd
    expr: sum(
`;
/** Who fills the disk, on the real engine under a real load; and the alerts of rules beside it. */
describe.skipIf(cannotRun !== null)(`volume${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let load: ReturnType<typeof startMixedLoad>;
  const folder = mkdtempSync(join(tmpdir(), 'faultline-ui-rules-'));
  beforeAll(async () => {
    writeFileSync(join(folder, 'shop.yml'), RULES);
    [browser, faultline] = await Promise.all([launch(), startFaultline({ args: ['--rules', join(folder, '*.yml')] })]);
    load = startMixedLoad(faultline.ingest);
    await vi.waitUntil(() => load.counts.acknowledged > 20, { timeout: 20_000 });
    await load.stop();
    await faultline.flush();
  });
  afterAll(async () => {
    await faultline?.stop();
    rmSync(folder, { recursive: true, force: true });
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
  it('an alert that fires is seen, opened and silenced with the keyboard alone; the silence is ended', async () => {
    const { page, problems, close } = await openConsole(browser, faultline);
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    const list = page.getByRole('listbox', { name: 'Alerts' });
    await list.getByText('It is 7').waitFor();
    // Which group stands first depends on how long each has been.
    for (let row = 0; row < 4 && !(await list.locator('[aria-selected=true]').innerText()).includes('It is 7'); row++)
      await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const detail = page.getByRole('complementary', { name: 'Alert' });
    await detail.locator('canvas').waitFor();
    expect(await detail.getByRole('link', { name: /runbooks/ }).getAttribute('rel')).toBe('noopener noreferrer');
    expect(await detail.locator('a[href^=javascript]').count()).toBe(0);
    expect(await accessProblems(page)).toEqual([]);
    await page.keyboard.press('s');
    const dialog = page.getByRole('dialog', { name: 'New silence' });
    await dialog.getByText('Firing alerts it holds for: 1').waitFor();
    await page.keyboard.type('we know');
    await page.keyboard.press('Tab');
    await page.keyboard.type('ann');
    expect(await accessProblems(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await list.getByText('Silenced').waitFor();
    await detail.getByRole('link', { name: 'Why did' }).click();
    await page.getByText('A silence of ann holds it back').waitFor();
    expect(await accessProblems(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Silences & routes' }).click();
    const silence = page.getByRole('option', { name: /we know/ });
    await silence.getByText('1 held back').waitFor();
    await silence.getByRole('button', { name: 'End' }).click();
    await silence.getByRole('button', { name: 'End it now?' }).click();
    await page.getByText('No silence is active.').waitFor();
    expect(problems).toEqual([]);
    await close();
  });
  it('alerts in Chinese, light: rules with the place of what is wrong, and the way labels would take', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/alerts?view=rules', locale: 'zh', theme: 'light' });
    await page.getByText(/shop\.yml:13:\d+/).waitFor();
    await page.getByRole('option', { name: /AlwaysOn/ }).dblclick();
    await page.getByRole('img', { name: /触发/ }).waitFor();
    expect(await accessProblems(page)).toEqual([]);
    await page.getByRole('tab', { name: '静默与路由' }).click();
    await page.getByRole('tab', { name: '路由', exact: true }).click();
    await page.getByLabel('它会走哪条路？').fill('alertname=AlwaysOn severity=critical');
    await page.locator('li[aria-current]').getByText('desktop').waitFor();
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
  it('a rule is replayed over the past, its threshold moved by keys, and the noise report asked', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/alerts?view=replay' });
    await page.getByText('Try a rule on the past before it pages anyone').waitFor();
    const rules = page.getByLabel('Prometheus rule file');
    await rules.fill('groups:\n- name: g\n  interval: 1m\n  rules:\n  - alert: Seven\n    expr: vector(7) > 5\n    for: 5m\n');
    await rules.press('Control+Enter');
    const threshold = page.getByRole('slider', { name: 'Threshold >' });
    await threshold.waitFor();
    expect(await threshold.getAttribute('aria-valuetext')).toBe('> 5');
    await page.getByText('desktop').first().waitFor();
    await threshold.press('End');
    // Nothing fires there, and the rule can be written so.
    await page.getByText(/Pages a week/).waitFor();
    await page.getByRole('button', { name: 'Write these values into the rule' }).click();
    expect(await rules.inputValue()).not.toContain('> 5\n');
    expect(await accessProblems(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Noise' }).click();
    await page.getByRole('heading', { name: 'What to change' }).waitFor();
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
});

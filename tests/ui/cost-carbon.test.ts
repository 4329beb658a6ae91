import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsoleOptions, cannotRun, changeTheme, launch, openConsole } from './console-page.ts';
import { sendUsage, USAGE_SERVICES } from './send-usage.ts';

const BILL = join(import.meta.dirname, '../fixtures/focus/aws-1.3.csv');

/** Cost & Carbon over three nodes and nine services, on the real engine. */
describe.skipIf(cannotRun !== null)(`Cost & Carbon${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let range: string;
  beforeAll(async () => {
    [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    const endMs = await sendUsage(faultline);
    range = `from=${endMs - 1_800_000}&to=${endMs}`;
  });
  afterAll(async () => {
    await faultline?.stop();
  });
  async function on<T>(options: ConsoleOptions, look: (page: Page) => Promise<T>): Promise<T> {
    const opened = await openConsole(browser, faultline, { path: `/cost?${range}`, ...options });
    try {
      const result = await look(opened.page);
      expect(opened.problems).toEqual([]);
      return result;
    } finally {
      await opened.close();
    }
  }
  const drawn = (page: Page): Promise<void> => page.locator('figure canvas').nth(1).waitFor();

  it('draws spend and emissions side by side, every service, what is idle and what nobody claims', () =>
    on({}, async (page) => {
      await drawn(page);
      const rows = await page.locator('main table tbody tr td:first-child').allInnerTexts();
      expect(rows.map((row) => row.trim()).sort()).toEqual([...USAGE_SERVICES, 'Idle', 'Unallocated'].sort());
      await page.locator('tfoot').getByText('Total').waitFor();
      await page
        .getByRole('button', { name: /^Total cost: \$/ })
        .first()
        .waitFor();
      await page.getByRole('button', { name: /^Total emissions: .* CO₂e$/ }).waitFor();
    }));
  it('a figure opens its formula, and its query runs in place; Escape closes one after the other', () =>
    on({}, async (page) => {
      for (const [figure, column] of [
        [/^Emissions of cart:/, 'reserved_vcpu_hours'],
        [/^Cost of cart:/, 'value'],
        [/^Emissions of 1,000 requests to cart:/, 'requests'],
      ] as const) {
        await page.getByRole('button', { name: figure }).click();
        const drawer = page.getByRole('complementary', { name: 'How this figure came to be' });
        expect(await drawer.locator('pre').innerText()).toMatch(/×| x /);
        await drawer.getByRole('button', { name: 'Show the query' }).click();
        await page.getByRole('button', { name: 'Run it' }).click();
        await page.locator('dialog th', { hasText: column }).waitFor();
        await page.locator('dialog td').first().waitFor();
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await page.keyboard.press('Escape');
        await drawer.waitFor({ state: 'detached' });
      }
    }));
  it('both charts answer one cursor', () =>
    on({}, async (page) => {
      await drawn(page);
      await page
        .locator('figure .u-over')
        .nth(1)
        .hover({ position: { x: 180, y: 40 } });
      const readouts = page.locator('figure .readout');
      await readouts.nth(1).waitFor();
      const clocks = await readouts.locator('p:first-child').allInnerTexts();
      expect(clocks[0]).toBe(clocks[1]);
      expect(await readouts.nth(1).innerText()).toMatch(/Total .* \(.* to .*\)/);
    }));
  it('goes by keyboard: there, to one service and back', () =>
    on({ path: `/?${range}` }, async (page) => {
      await page.getByText('Health of services').waitFor();
      await page.keyboard.type('gc');
      await page.waitForURL((url) => url.pathname === '/cost');
      await page.getByRole('button', { name: 'cart', exact: true }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('service') === 'cart');
      await page.getByRole('button', { name: 'All services' }).click();
      await page.waitForURL((url) => !url.searchParams.has('service'));
    }));
  it('a region set by hand narrows the range and takes its reason away', () =>
    on({}, async (page) => {
      const reason = page.getByText('The region is unknown');
      await reason.waitFor();
      await page.getByRole('button', { name: 'Region and factors' }).click();
      await page.getByLabel('Provider').selectOption('gcp');
      await page.getByRole('combobox', { name: 'Region' }).fill('europe-west9');
      await page.getByText('Paris: 16.3 gCO₂e/kWh').waitFor();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await reason.waitFor({ state: 'detached' });
      await faultline.fetch('/console/carbon/settings', { method: 'POST', body: '{}' });
    }));
  it.each(['0.2', '1,35'])('a PUE that cannot be is refused in words, beside the field: %s', async (pue) => {
    const opened = await openConsole(browser, faultline, { path: `/cost?${range}` });
    await opened.page.getByRole('button', { name: 'Region and factors' }).click();
    await opened.page.getByLabel('PUE').fill(pue);
    await opened.page.getByRole('button', { name: 'Save' }).click();
    await opened.page.getByRole('dialog').getByRole('alert').getByText('pue').waitFor();
    await opened.close();
  });
  it('an empty window says what is missing and what to send', () =>
    on({ path: '/cost?from=1000000000000&to=1000003600000' }, async (page) => {
      await page.getByText('Nothing says what services use.').waitFor();
      await page.getByRole('button', { name: 'Go to the newest data' }).click();
      await drawn(page);
    }));
  it('one side that fails leaves the other', async () => {
    const opened = await openConsole(browser, faultline, { path: '/settings' });
    await opened.page.route('**/console/cost?*', (route) => route.abort());
    await opened.page.goto(`${faultline.api}/cost?${range}`);
    await opened.page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor();
    await opened.page.locator('figure canvas').first().waitFor();
    await opened.page.unroute('**/console/cost?*');
    await opened.page.getByRole('button', { name: 'Try again' }).click();
    await drawn(opened.page);
    await opened.close();
  });
  it('a file that is no bill: says why, each time it is chosen', () =>
    on({ path: '/cost?view=bill' }, async (page) => {
      for (const time of [1, 2]) {
        await page
          .getByTestId('bill-picker')
          .setInputFiles({ name: 'wrong.csv', mimeType: 'text/csv', buffer: Buffer.from('name,value\na,1\n') });
        await page
          .getByText('wrong.csv: The header names no FOCUS cost and period columns.')
          .nth(time - 1)
          .waitFor();
      }
    }));
  it('a bill: says where to get one, takes it, shows its month by service, list beside effective', () =>
    on({ path: '/cost?view=bill' }, async (page) => {
      await page.getByText('No bill has been imported.').waitFor();
      await page.getByTestId('bill-picker').setInputFiles(BILL);
      await page.getByRole('region', { name: 'Bill by service' }).locator('tbody tr').first().waitFor();
      await page.locator('figure canvas').waitFor();
      await page.getByLabel('Shown').selectOption('list_cost');
      await page.waitForURL((url) => url.searchParams.get('measure') === 'list');
      await page.getByRole('region', { name: 'Imported bills' }).getByText('aws-1.3.csv').waitFor();
      expect(await accessProblems(page)).toEqual([]);
    }));
  it.each(['en', 'zh'] as const)(
    '%s: names for all controls, enough contrast, no sideways scroll, dark and light, 1280 and 4K',
    async (locale) => {
      await on({ locale }, async (page) => {
        const fits = async (): Promise<void> => {
          await drawn(page);
          expect(await accessProblems(page)).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
          if (locale === 'zh') expect(await page.locator('main').innerText()).not.toMatch(/[a-z]{3,} [a-z]{3,} [a-z]{3,}/);
        };
        await fits();
        await changeTheme(page, 'light');
        await fits();
        await changeTheme(page, 'dark');
        await page.setViewportSize({ width: 3840, height: 2160 });
        await fits();
      });
    },
  );
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { startMixedLoad } from '../app/mixed-load.ts';
import { accessProblems } from './check-access.ts';
import { cannotRun, launch, openConsole } from './console-page.ts';

/** Destinations and the Parquet export on the Sources screen, against a real second console and one that refuses. */
describe.skipIf(cannotRun !== null)(`forwarding${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let platform: FaultlineProcess;
  let refusing: Server;
  let load: ReturnType<typeof startMixedLoad>;
  const address = (): string => `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  beforeAll(async () => {
    refusing = createServer((request, response) => request.resume().on('end', () => response.writeHead(401).end()));
    await new Promise<void>((done) => refusing.listen(0, '127.0.0.1', done));
    [browser, faultline, platform] = await Promise.all([launch(), startFaultline(), startFaultline({ args: ['--no-ui'] })]);
    load = startMixedLoad(faultline.ingest);
  });
  afterAll(async () => {
    await load?.stop();
    await Promise.all([faultline?.stop(), platform?.stop()]);
    refusing?.close();
  });

  it('a destination is added, tested, paused, resumed and removed; the status bar counts what leaves', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/sources' });
    await page.getByText('Nothing leaves this machine.').waitFor();
    expect(await page.locator('footer').innerText()).toMatch(/egress\s*0 B/);
    expect(faultline.pids()['forwarder']).toBeUndefined();

    await page.getByRole('button', { name: 'Add destination' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^URL/).fill(platform.ingest);
    // An address can be tried before it has a name.
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText(/It answers, in/).waitFor();
    await dialog.getByLabel(/^Name/).fill('platform');
    await dialog.getByLabel(/^Headers/).fill('nonsense');
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText('Line 1 of the headers').waitFor();
    await dialog.getByLabel(/^Headers/).fill('X-Secret: hunter2hunter2');
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText(/It answers, in/).waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    const row = page.getByRole('row', { name: /platform/ });
    await row.getByText(/up to date|sending/).waitFor();
    await expect.poll(() => page.locator('footer').innerText(), { timeout: 15_000 }).not.toMatch(/egress\s*0 B/);
    expect(await page.content()).not.toContain('hunter2');
    expect(await (await faultline.fetch('/console/forwarding')).text()).not.toContain('hunter2');

    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('paused', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByText(/up to date|sending/).waitFor();

    await page.getByRole('button', { name: 'Add destination' }).click();
    await dialog.getByLabel(/^Name/).fill('refuses');
    await dialog.getByLabel(/^URL/).fill(address());
    await dialog.getByRole('button', { name: 'Save' }).click();
    const blocked = page.getByRole('row', { name: /refuses/ });
    await blocked.getByText('blocked', { exact: true }).waitFor();
    await blocked.getByText(/refuses the credentials/).waitFor();
    await load.stop();
    expect(await accessProblems(page)).toEqual([]);
    await page.getByRole('heading', { name: 'Forwarding' }).scrollIntoViewIfNeeded();
    await blocked.getByRole('button', { name: 'Remove' }).click();
    await blocked.getByRole('button', { name: /what waits with it/ }).click();
    await blocked.waitFor({ state: 'detached' });
    expect(problems).toEqual([]);
    await close();
  });
  it('exports to Parquet and says how much', async () => {
    const { page, problems, close } = await openConsole(browser, faultline, { path: '/sources', theme: 'light', locale: 'zh' });
    await page.getByRole('button', { name: '导出', exact: true }).click();
    await page.getByText(/完成：/).waitFor();
    await page.getByRole('heading', { name: '转发' }).scrollIntoViewIfNeeded();
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
});

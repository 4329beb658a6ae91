import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { identify, isAlive, type ProcessIdentity } from '#main/supervisor/process-identity.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

/** `serve --demo` and a kill -9 of the engine: the shop goes on where it is. */
const running: FaultlineProcess[] = [];
afterEach(() => Promise.all(running.splice(0).map((each) => each.stop())));

interface Demo {
  readonly scenario: string;
  readonly startedMs: number;
}
const demoOf = async (faultline: FaultlineProcess): Promise<Demo | null> =>
  ((await (await faultline.fetch('/console/state')).json()) as { demo: Demo | null }).demo;
const shopOf = (faultline: FaultlineProcess): ProcessIdentity =>
  (JSON.parse(readFileSync(join(faultline.dataDir, 'demo/run.json'), 'utf8')) as { shop: ProcessIdentity }).shop;
const histories = (faultline: FaultlineProcess): number => faultline.log().split('history of').length - 1;
async function killEngine(faultline: FaultlineProcess): Promise<void> {
  const pid = faultline.pids()['engine'] as number;
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => faultline.pids()['engine'] ?? pid, { timeout: 20_000 }).not.toBe(pid);
  await expect.poll(async () => (await faultline.fetch('/readyz').catch(() => null))?.ok, { timeout: 30_000 }).toBe(true);
}
const spans = async (faultline: FaultlineProcess, where: string): Promise<number> => {
  await faultline.flush();
  return Number((await faultline.sql(`SELECT count(*)::DOUBLE AS n FROM spans WHERE ${where}`))[0]?.['n']);
};

it('goes on when the engine is killed: same shop, one history; ends with a stop, and stays ended', async () => {
  const faultline = await startFaultline({ args: ['--no-ui', '--demo', 'bad_deploy'] });
  running.push(faultline);
  await expect.poll(() => histories(faultline), { timeout: 120_000 }).toBe(1);
  const before = await demoOf(faultline);
  expect(before).toMatchObject({ scenario: 'bad_deploy' });
  const shop = shopOf(faultline);
  const past = `start_time < make_timestamp_ns(${before?.startedMs}::BIGINT * 1000000)`;
  const told = await spans(faultline, past);
  expect(told).toBeGreaterThan(1_000);

  const killedMs = Date.now();
  await killEngine(faultline);
  expect(await demoOf(faultline)).toEqual(before);
  expect(shopOf(faultline)).toEqual(shop);
  const after = `start_time > make_timestamp_ns(${killedMs}::BIGINT * 1000000)`;
  await expect.poll(() => spans(faultline, after), { timeout: 30_000 }).toBeGreaterThan(100);
  expect(await spans(faultline, past)).toBe(told);
  expect(histories(faultline)).toBe(1);

  expect((await faultline.fetch('/console/demo', { method: 'DELETE' })).status).toBe(200);
  expect(isAlive(shop)).toBe(false);
  await killEngine(faultline);
  // The first word of the collector is what starts a demo: it has been heard when there are receivers.
  await expect
    .poll(async () => ((await (await faultline.fetch('/console/sources')).json()) as { sources: unknown[] }).sources.length, {
      timeout: 20_000,
    })
    .toBeGreaterThan(0);
  expect(await demoOf(faultline)).toBeNull();
  expect(shopOf(faultline)).toEqual(shop);
}, 240_000);

it('does not outlive the supervisor', async () => {
  const faultline = await startFaultline({ args: ['--no-ui', '--demo', 'none'] });
  running.push(faultline);
  await expect.poll(async () => await demoOf(faultline), { timeout: 30_000 }).not.toBeNull();
  const shop = shopOf(faultline);
  expect(isAlive(shop)).toBe(true);
  process.kill(faultline.pids()['engine'] as number, 'SIGKILL');
  faultline.kill('SIGKILL');
  await faultline.exited;
  await expect.poll(() => isAlive(shop), { timeout: 20_000 }).toBe(false);
  expect(identify(shop.pid).startedTicks).not.toBe(shop.startedTicks);
});

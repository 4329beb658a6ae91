import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findFreePort } from '#main/collector/port-owner.ts';
import { cpuSecondsOf, startFaultline } from '../tests/app/faultline-process.ts';
import { residentNow } from './resident.ts';
import type { Row, Scenario } from './run.ts';

const SHRUNK_MS = 40_000;
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const opens = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });

/** Spawn to the ingest port taking connections. */
async function portsMs(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'faultline-start-'));
  const port = (await findFreePort('127.0.0.1', 30_000)) as number;
  const startedMs = performance.now();
  const child = spawn(
    resolve(import.meta.dirname, '../bin/faultline'),
    ['serve', '--data', dataDir, '--api', '127.0.0.1:0', '--ingest', `127.0.0.1:${port}`, '--otlp-grpc', '127.0.0.1:0'],
    { stdio: 'ignore' },
  );
  while (!(await opens(port)) && performance.now() - startedMs < 20_000) await sleep(5);
  const ms = performance.now() - startedMs;
  child.kill('SIGTERM');
  await new Promise((done) => child.once('exit', done));
  rmSync(dataDir, { recursive: true, force: true });
  return ms;
}

export const start: Scenario = {
  name: 'start',
  about: 'cold start on an empty data folder (median of 5), then idle: CPU of 20 s, memory after 40 s',
  run: async ({ quick }) => {
    const rounds = quick ? 3 : 5;
    const ports: number[] = [];
    const ready: number[] = [];
    let idle: Row = {};
    for (let i = 0; i < rounds; i++) {
      ports.push(await portsMs());
      const faultline = await startFaultline();
      ready.push(faultline.readyMs);
      if (i === rounds - 1) {
        await sleep(3000);
        const before = cpuSecondsOf(faultline.pid);
        const seconds = quick ? 5 : 20;
        await sleep(seconds * 1000);
        const cpu = Number((((cpuSecondsOf(faultline.pid) - before) / seconds) * 100).toFixed(2));
        // By then what the start left is collected (main/supervisor/shrink-when-calm.ts).
        await sleep(SHRUNK_MS - seconds * 1000);
        idle = { 'idle CPU %': cpu };
        for (const [name, { rss, own }] of residentNow(faultline))
          idle = { ...idle, [`idle RSS MB, ${name} (not of files)`]: `${Math.round(rss / 1e6)} (${Math.round(own / 1e6)})` };
      }
      await faultline.stop();
    }
    return [{ 'ingest port open ms': Math.round(median(ports)), 'ready line ms': Math.round(median(ready)), ...idle }];
  },
};

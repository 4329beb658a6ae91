import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImportTicket } from '#contracts/import-files.ts';
import { type ImportBookDoor, importPath } from '#main/import/import-path.ts';
import { ImportControl } from '#main/import/run-import.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

/** Files of others through the whole program: what was interrupted by kill -9 and done again is there once. */
const folder = mkdtempSync(join(tmpdir(), 'faultline-anyfile-'));
let faultline: FaultlineProcess;
beforeAll(async () => {
  faultline = await startFaultline({ args: ['--no-ui', '--retention', 'off'] });
});
afterAll(async () => {
  await faultline.stop();
  rmSync(folder, { recursive: true, force: true });
});
const post = async (path: string, body: unknown): Promise<Response> => {
  const response = await faultline.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
};
const book = (): ImportBookDoor => ({
  begin: async (request) => (await (await post('/console/imports/begin', request)).json()) as ImportTicket,
  progress: (id, doneRequests) => post('/console/imports/progress', { id, doneRequests }),
  end: (id, result) => post('/console/imports/end', { id, result }),
  takeBill: () => Promise.reject(new Error('no bill')),
});
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await probe().catch(() => false)) return;
    await sleep(50);
  }
  throw new Error(`${what} did not happen`);
}
/** An attempt that stops for good after so many requests, as a killed process does; collector and engine are killed with it. */
async function interrupted(path: string, name: string, requests: number): Promise<void> {
  const control = new ImportControl();
  const stopped = new Promise<void>((resolve) => {
    void importPath({
      path,
      name,
      book: book(),
      ingestUrl: faultline.ingest,
      control,
      onMeter: ({ doneRequests }) => {
        if (doneRequests < requests) return;
        control.pause();
        resolve();
      },
    }).catch(() => undefined);
  });
  await stopped;
  const { collector, engine } = faultline.pids();
  for (const pid of [collector, engine]) process.kill(pid as number, 'SIGKILL');
  await until('both are back', async () => {
    const now = faultline.pids();
    return now['collector'] !== collector && now['engine'] !== engine && (await faultline.fetch('/readyz')).ok;
  });
}

describe('an import interrupted by kill -9 of engine and collector', () => {
  it('done again ends with exactly the records of the file, logs and samples', async () => {
    const lines = 40_000;
    const start = Date.UTC(2026, 9, 1);
    const logs = Array.from({ length: lines }, (_, i) => `${new Date(start + i).toISOString().replace('Z', '000000Z')} line ${i}`);
    const logFile = file('pod.txt', `${logs.join('\n')}\n`);
    const samples = Array.from({ length: 100_000 }, (_, i) => `walk{n="${i % 10}"} ${i} ${start + Math.floor(i / 10) * 1_000}`);
    const sampleFile = file('metrics.txt', `# TYPE walk gauge\n${samples.join('\n')}\n`);

    await interrupted(logFile, 'pod.txt', 3);
    const result = await importPath({ path: logFile, name: 'pod.txt', book: book(), ingestUrl: faultline.ingest });
    expect(result).toMatchObject({ format: 'kubectl-logs', accepted: { logs: lines }, refused: [] });
    await interrupted(sampleFile, 'metrics.txt', 2);
    await importPath({ path: sampleFile, name: 'metrics.txt', book: book(), ingestUrl: faultline.ingest });
    // And once more, as a whole.
    const again = await importPath({ path: sampleFile, name: 'copy.txt', book: book(), ingestUrl: faultline.ingest });
    expect(again.alreadyImportedMs).toBeGreaterThan(start);
    await faultline.flush();
    expect(await faultline.sql("SELECT count(*)::INT AS n, count(DISTINCT body)::INT AS d FROM logs WHERE service = 'pod'")).toEqual([
      { n: lines, d: lines },
    ]);
    expect(await faultline.sql('SELECT count(*)::INT AS n, sum(value) AS s, count(DISTINCT series_id)::INT AS d FROM samples')).toEqual([
      { n: 100_000, s: (100_000 * 99_999) / 2, d: 10 },
    ]);
    expect(await faultline.sql("SELECT DISTINCT metric, type FROM series WHERE metric = 'walk'")).toEqual([
      { metric: 'walk', type: 'gauge' },
    ]);
  });
  it('is counted under sources of its own', async () => {
    const { sources } = (await (await faultline.fetch('/console/sources')).json()) as { sources: { source: string; kind: string }[] };
    expect(
      sources
        .filter(({ kind }) => kind === 'import')
        .map(({ source }) => source)
        .sort(),
    ).toEqual(['import:kubectl-logs', 'import:prometheus-text']);
  });
});

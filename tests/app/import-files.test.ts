import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileJob, ImportTicket, TablePreview } from '#contracts/import-files.ts';
import { type ImportBookDoor, importPath } from '#main/import/import-path.ts';
import { ImportControl } from '#main/import/run-import.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { until } from './until.ts';

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
    const lines = 16_000;
    const start = Date.UTC(2026, 9, 1);
    const logs = Array.from({ length: lines }, (_, i) => `${new Date(start + i).toISOString().replace('Z', '000000Z')} line ${i}`);
    const logFile = file('pod.txt', `${logs.join('\n')}\n`);
    const samples = Array.from({ length: 60_000 }, (_, i) => `walk{n="${i % 10}"} ${i} ${start + Math.floor(i / 10) * 1_000}`);
    const sampleFile = file('metrics.txt', `# TYPE walk gauge\n${samples.join('\n')}\n`);

    await interrupted(logFile, 'pod.txt', 2);
    const result = await importPath({ path: logFile, name: 'pod.txt', book: book(), ingestUrl: faultline.ingest });
    expect(result).toMatchObject({ format: 'kubectl-logs', accepted: { logs: lines }, refused: [] });
    await interrupted(sampleFile, 'metrics.txt', 1);
    await importPath({ path: sampleFile, name: 'metrics.txt', book: book(), ingestUrl: faultline.ingest });
    // And once more, as a whole.
    const again = await importPath({ path: sampleFile, name: 'copy.txt', book: book(), ingestUrl: faultline.ingest });
    expect(again.alreadyImportedMs).toBeGreaterThan(start);
    await faultline.flush();
    expect(await faultline.sql("SELECT count(*)::INT AS n, count(DISTINCT body)::INT AS d FROM logs WHERE service = 'pod'")).toEqual([
      { n: lines, d: lines },
    ]);
    expect(await faultline.sql('SELECT count(*)::INT AS n, sum(value) AS s, count(DISTINCT series_id)::INT AS d FROM samples')).toEqual([
      { n: 60_000, s: (60_000 * 59_999) / 2, d: 10 },
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

describe('files a page sends in pieces', () => {
  const upload = async (name: string, bytes: Uint8Array, pieceBytes: number): Promise<FileJob> => {
    let job = (await (await post('/console/uploads', { name, bytes: bytes.length })).json()) as FileJob;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.slice(at, at + pieceBytes);
      // Twice: an answer may be lost.
      for (let n = 0; n < 2; n++)
        job = (await (
          await faultline.fetch(`/console/uploads/${job.id}/part?offset=${at}`, { method: 'POST', body: piece })
        ).json()) as FileJob;
    }
    return job;
  };
  const jobOf = async (id: string): Promise<FileJob> => {
    const { jobs } = (await (await faultline.fetch('/console/uploads')).json()) as { jobs: FileJob[] };
    return jobs.find((job) => job.id === id) as FileJob;
  };
  const csv = Buffer.from(
    `ts,msg,who\n${Array.from({ length: 9_000 }, (_, i) => `${1_790_000_000 + i},line ${i},table`).join('\n')}\nx,bad,table\n`,
  );

  it('a table: recognised, shown, mapped by the person, imported, known again', async () => {
    const job = await upload('shop.csv', csv, 50_000);
    expect(job).toMatchObject({ state: 'ready', format: 'csv', receivedBytes: csv.length });
    const preview = (await (await post(`/console/uploads/${job.id}/preview`, { format: 'csv' })).json()) as TablePreview;
    expect(preview).toMatchObject({ problems: [], mapping: { kind: 'logs', roles: { time: ['ts'], body: ['msg'] } } });
    const mapping = { ...preview.mapping, roles: { ...preview.mapping.roles, service: ['who'] } };
    await post(`/console/uploads/${job.id}/start`, { mapping });
    await until('it is in', async () => (await jobOf(job.id)).state === 'done');
    expect((await jobOf(job.id)).result).toMatchObject({ accepted: { logs: 9_000 }, refusedCount: 1, refused: [{ line: 9_002 }] });
    expect(await faultline.sql("SELECT count(*)::INT AS n FROM logs WHERE service = 'table'")).toEqual([{ n: 9_000 }]);
    const again = await upload('copy.csv', csv, 1_000_000);
    await post(`/console/uploads/${again.id}/start`, { mapping });
    await until('it is known', async () => (await jobOf(again.id)).state === 'done');
    expect((await jobOf(again.id)).result?.alreadyImportedMs).toBeGreaterThan(0);
  });
  it('the process that reads it is killed: started again, it ends with each record once; cancelled, it takes nothing more', async () => {
    // Enough that it is not all read when the first of it is told to be in.
    const lines = Array.from({ length: 100_000 }, (_, i) => `2026-10-02T00:00:00.${String(i).padStart(9, '0')}Z killed ${i}`);
    const job = await upload('killed.txt', Buffer.from(lines.join('\n')), 8_000_000);
    await post(`/console/uploads/${job.id}/start`, {});
    await until('some of it is in', async () => (await jobOf(job.id)).items > 0);
    await post(`/console/uploads/${job.id}/control`, { action: 'pause' });
    process.kill(faultline.pids()['importer'] as number, 'SIGKILL');
    await until('its end is told', async () => (await jobOf(job.id)).state === 'failed');
    expect((await jobOf(job.id)).error).toContain('SIGKILL');
    await post(`/console/uploads/${job.id}/start`, {});
    await until('it is in', async () => (await jobOf(job.id)).state === 'done');
    expect(await faultline.sql("SELECT count(*)::INT AS n, count(DISTINCT body)::INT AS d FROM logs WHERE service = 'killed'")).toEqual([
      { n: 100_000, d: 100_000 },
    ]);
    const other = await upload('other.txt', Buffer.from('2026-10-02T00:00:00.000000000Z never\n'), 1_000);
    await post(`/console/uploads/${other.id}/control`, { action: 'cancel' });
    expect((await jobOf(other.id)).state).toBe('cancelled');
  });
});

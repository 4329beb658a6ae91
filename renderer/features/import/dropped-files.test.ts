import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { FileReading, FileRecord, RefusedRecord } from '#collectors/files/file-record.ts';
import { readZip } from '#collectors/files/read-zip.ts';
import { readBlock } from '#collectors/files/tsdb/read-block.ts';
import { recogniseFile } from '#main/import/import-path.ts';
import { droppedFiles } from './dropped-files.ts';

/** Blocks of Prometheus' TSDB dropped on the page: what the console reads of them is what it reads of the folder. */
const FIXTURES = path.resolve(import.meta.dirname, '../../../tests/fixtures');
const folder = mkdtempSync(path.join(tmpdir(), 'faultline-dropped-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file or folder as a browser gives it. */
function entryOf(place: string): FileSystemEntry {
  const isDirectory = statSync(place).isDirectory();
  const name = path.basename(place);
  const inside = isDirectory ? readdirSync(place).map((each) => entryOf(path.join(place, each))) : [];
  return {
    ...{ name, isDirectory, isFile: !isDirectory },
    file: (done: (file: File) => void) => done(new File([readFileSync(place)], name)),
    createReader: () => ({ readEntries: (done: (entries: FileSystemEntry[]) => void) => done(inside.splice(0, 2)) }),
  } as unknown as FileSystemEntry;
}
const drop = (...places: readonly string[]): ReturnType<typeof droppedFiles> =>
  droppedFiles({
    items: places.map((place) => ({ webkitGetAsEntry: () => entryOf(place) })),
    files: [],
  } as unknown as DataTransfer);
async function all(reading: FileReading): Promise<(FileRecord | RefusedRecord)[]> {
  const found: (FileRecord | RefusedRecord)[] = [];
  for await (const record of reading) found.push(record);
  return found;
}
/** A NaN's bits are not the same at each reading. */
const sizes = (record: FileRecord | RefusedRecord): object => ('body' in record ? { ...record, body: record.body.length } : record);
const context = { name: 'x', arrivalUnixNano: 1n };

it('a snapshot of two blocks, beside another file', async () => {
  const snapshot = path.join(folder, 'snapshot');
  cpSync(path.join(FIXTURES, 'tsdb-block'), path.join(snapshot, '01A'), { recursive: true });
  cpSync(path.join(FIXTURES, 'tsdb-block'), path.join(snapshot, '01B'), { recursive: true });
  writeFileSync(path.join(snapshot, 'note.txt'), 'what it is');
  const { files, unread, isCut } = await drop(snapshot);
  expect([files.map(({ name }) => name), unread, isCut]).toEqual([['01A.zip', '01B.zip', 'note.txt'], [], false]);
  const archive = path.join(folder, 'dropped.zip');
  writeFileSync(archive, Buffer.from(await (files[0] as File).arrayBuffer()));
  expect(await recogniseFile(archive)).toMatchObject({ format: 'zip' });
  const wanted = await all(readBlock(path.join(FIXTURES, 'tsdb-block')));
  expect(wanted.length).toBeGreaterThan(0);
  expect((await all(readZip(archive, context))).map(sizes)).toEqual(wanted.map(sizes));
  // The same folder makes the same archive: a second drop adds nothing.
  expect(Buffer.from(await ((await drop(snapshot)).files[0] as File).arrayBuffer())).toEqual(readFileSync(archive));
  // Whoever looks at checksums finds them right.
  const names = 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), *z.namelist())';
  expect(execFileSync('python3', ['-c', names, archive]).toString()).toBe(
    'None 01A/index 01A/meta.json 01A/tombstones 01A/chunks/000001\n',
  );
});
it('a block whose chunks are cut, and one without any, say so', async () => {
  const broken = path.join(folder, 'broken');
  cpSync(path.join(FIXTURES, 'tsdb-block'), broken, { recursive: true });
  truncateSync(path.join(broken, 'chunks/000001'), 20);
  const archive = path.join(folder, 'broken.zip');
  writeFileSync(archive, Buffer.from(await ((await drop(broken)).files[0] as File).arrayBuffer()));
  const [bad] = await all(readZip(archive, context));
  expect(bad).toMatchObject({ reason: 'malformed', message: expect.stringContaining('broken/: series 1') });
  rmSync(path.join(broken, 'chunks/000001'));
  expect((await drop(broken)).files.map(({ name }) => name)).toEqual(['broken.zip']);
});

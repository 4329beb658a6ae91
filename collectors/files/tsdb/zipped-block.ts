import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';
import type { FileReading } from '../file-record.ts';
import { readBlock } from './read-block.ts';

/** Blocks of a TSDB in an archive. Their readers jump about in the files, so these lie in a folder of their own meanwhile, under our names. */
const CHUNK = /^chunks\/\d{6}$/;
const isPart = (name: string): boolean => name === 'index' || name === 'tombstones' || CHUNK.test(name);

/** Entries of each block, by the folder it is ('' or ending in "/"); its meta.json among them. */
export function blocksIn(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const chunks = new Set(entries.flatMap(({ fileName }) => /^(.*?)chunks\/\d{6}$/.exec(fileName)?.[1] ?? []));
  const folders = entries.flatMap(({ fileName }) => {
    const folder = /^(|.*\/)index$/.exec(fileName)?.[1];
    return folder !== undefined && chunks.has(folder) ? [folder] : [];
  });
  const within = (folder: string, { fileName }: Entry): boolean => {
    const name = fileName.slice(folder.length);
    return fileName.startsWith(folder) && (isPart(name) || name === 'meta.json');
  };
  return new Map(folders.map((folder) => [folder, entries.filter((entry) => within(folder, entry))]));
}
export async function* readZippedBlock(zip: ZipFile, folder: string, entries: readonly Entry[]): FileReading {
  const copy = await mkdtemp(path.join(tmpdir(), 'faultline-block-'));
  try {
    await mkdir(path.join(copy, 'chunks'));
    for (const entry of entries) {
      const name = entry.fileName.slice(folder.length);
      if (isPart(name)) await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path.join(copy, name)));
    }
    yield* readBlock(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

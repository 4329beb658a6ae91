import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DISK_PARTS, type DiskPart, type DiskParts } from '#contracts/volume.ts';
import { namesIn, sizeOf } from './beside-files.ts';

const FOLDERS: Readonly<Record<string, DiskPart>> = {
  journal: 'journal',
  backups: 'backups',
  exports: 'exports',
  quarantine: 'quarantine',
  tmp: 'temporary',
};
const partOfFile = (name: string): DiskPart => {
  if (/^telemetry-.+\.duckdb/.test(name)) return 'days';
  return name.startsWith('catalog.duckdb') ? 'catalog' : name.startsWith('bills.duckdb') ? 'bills' : 'other';
};
const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** What the data folder takes on disk, every file of it in one part. */
export class DiskBook {
  private readonly dataDir: string;
  private folders: readonly (readonly [DiskPart, number])[] = [];

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }
  /** Measures the folders that may hold thousands of files: from time to time. */
  async look(): Promise<void> {
    const names = readdirSync(this.dataDir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'journal');
    this.folders = await Promise.all(
      names.map(async ({ name }) => [FOLDERS[name] ?? 'other', (await sizeOf(join(this.dataDir, name))).bytes] as const),
    );
  }
  /** Files and the journal as they are now, other folders as they were at the last look. */
  parts(): DiskParts {
    const parts = Object.fromEntries(DISK_PARTS.map((part) => [part, 0])) as Record<DiskPart, number>;
    for (const [part, bytes] of this.folders) parts[part] += bytes;
    for (const entry of readdirSync(this.dataDir, { withFileTypes: true }))
      if (!entry.isDirectory()) parts[partOfFile(entry.name)] += bytesOf(join(this.dataDir, entry.name));
    const journal = join(this.dataDir, 'journal');
    for (const name of namesIn(journal)) parts.journal += bytesOf(join(journal, name));
    return parts;
  }
}

import { readdirSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Day, dayOfName } from '../write/day-of.ts';

/** What lies beside the live files and counts with them: a copy made before a migration, or one Parquet export. */
export interface BesideFile {
  readonly path: string;
  /** "catalog.duckdb", "bills.duckdb", "telemetry": of each of them the newest copy stays. "export": none has to. */
  readonly family: string;
  /** Of a copied day file; null else. */
  readonly day: Day | null;
  readonly bytes: number;
  /** Newest change of anything in it, milliseconds. */
  readonly atMs: number;
}
export const backupFolder = (dataDir: string): string => join(dataDir, 'backups');
const exportFolder = (dataDir: string): string => join(dataDir, 'exports');
/** An export under way finishes a file within an hour, which is its limit. */
const EXPORT_SETTLED_MS = 2 * 3_600_000;

export async function listBeside(dataDir: string): Promise<readonly BesideFile[]> {
  const found: BesideFile[] = [];
  for (const name of namesIn(backupFolder(dataDir))) {
    const [, base, day] = /^((?:telemetry-(.+)|catalog|bills)\.duckdb)\.v\d+$/.exec(name) ?? [];
    if (base === undefined) continue;
    const path = join(backupFolder(dataDir), name);
    const family = day === undefined ? base : 'telemetry';
    const { bytes, atMs } = sum([await sizeOf(path), await sizeOf(`${path}.wal`)]);
    found.push({ path, family, day: dayOfName(day ?? ''), bytes, atMs });
  }
  for (const name of namesIn(exportFolder(dataDir))) {
    const path = join(exportFolder(dataDir), name);
    found.push({ path, family: 'export', day: null, ...(await sizeOf(path)) });
  }
  return found;
}
export interface BesideInput {
  readonly files: readonly BesideFile[];
  /** Of everything else that counts, bytes. */
  readonly storeBytes: number;
  /** 0 = kept for ever. */
  readonly retentionSeconds: number;
  readonly maxSizeBytes: number;
  readonly nowMs: number;
}
/**
 * What has to go: copies of days that retention took, then the oldest until the store fits its size; before any live day, because
 * they hold nothing that is not there as well. The newest copy of each kind stays, and an export that may still be written.
 */
export function besideToRemove({ files, storeBytes, retentionSeconds, maxSizeBytes, nowMs }: BesideInput): readonly BesideFile[] {
  const keepFromMs = retentionSeconds > 0 ? nowMs - retentionSeconds * 1000 : Number.NEGATIVE_INFINITY;
  const oldestFirst = [...files].sort((a, b) => a.atMs - b.atMs || (a.path < b.path ? -1 : 1));
  const newest = new Map(oldestFirst.map((file) => [file.family, file]));
  let total = files.reduce((bytes, file) => bytes + file.bytes, storeBytes);
  return oldestFirst.filter((file) => {
    const kept = file.family === 'export' ? nowMs - file.atMs < EXPORT_SETTLED_MS : newest.get(file.family) === file;
    const old = file.day !== null && (file.day + 1) * 86_400_000 <= keepFromMs;
    if (kept || (!old && total <= maxSizeBytes)) return false;
    total -= file.bytes;
    return true;
  });
}
export async function removeBeside({ path }: BesideFile): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await rm(`${path}.wal`, { force: true });
}

interface Size {
  readonly bytes: number;
  readonly atMs: number;
}
const sum = (sizes: readonly Size[]): Size => ({
  bytes: sizes.reduce((total, { bytes }) => total + bytes, 0),
  atMs: sizes.reduce((latest, { atMs }) => Math.max(latest, atMs), 0),
});
/** Of a file, or of all in a folder; nothing for what is not there. */
export async function sizeOf(path: string): Promise<Size> {
  const at = await stat(path).catch(() => null);
  if (!at) return { bytes: 0, atMs: 0 };
  if (!at.isDirectory()) return { bytes: at.size, atMs: at.mtimeMs };
  const inside: Size[] = [{ bytes: 0, atMs: at.mtimeMs }];
  for (const name of namesIn(path)) inside.push(await sizeOf(join(path, name)));
  return sum(inside);
}
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

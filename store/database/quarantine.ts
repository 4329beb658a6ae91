import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface SetAside {
  /** Where the file lies now. */
  readonly path: string;
  readonly bytes: number;
}
/** Moves a damaged file with its log into quarantine/ and writes down why. Nothing is ever deleted here. */
export function setAside(dataDir: string, path: string, reason: string, nowMs: number): SetAside {
  const folder = join(dataDir, 'quarantine');
  mkdirSync(folder, { recursive: true });
  const name = `${basename(path)}.${new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')}`;
  let target = join(folder, name);
  for (let n = 2; existsSync(target); n++) target = join(folder, `${name}.${n}`);
  const bytes = fileBytes(path);
  renameSync(path, target);
  if (existsSync(`${path}.wal`)) renameSync(`${path}.wal`, `${target}.wal`);
  const note = `${JSON.stringify({ file: basename(path), bytes, reason, at: new Date(nowMs).toISOString() }, null, 2)}\n`;
  try {
    writeFileSync(`${target}.reason.json`, note);
  } catch {
    // A full disk: the file is aside already, and what can be saved of it matters more. The state of the store says the reason too.
  }
  return { path: target, bytes };
}
/** Size of a database file and its write-ahead log; 0 for what is not there. */
export function fileBytes(path: string): number {
  return [path, `${path}.wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

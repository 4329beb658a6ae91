import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive } from './process-identity.ts';

/** Files that are written under another name and renamed when whole: where, and how that name looks. A number in it is a process. */
const DRAFTS: readonly (readonly [folder: string, name: RegExp])[] = [
  ['', /^(?:runtime\.json|supervisor\.lock)\.(?:stale-)?(\d+)$/],
  ['', /^(?:catalog|bills|telemetry-[\d-]+)\.duckdb\.new(?:\.wal)?$/],
  ['journal', /^lock-(?:stale-)?(\d+)$/],
  ['forward', /\.[0-9a-f]{8}\.new$/],
  ['backups', /\.v\d+(?:\.wal)?\.new$/],
  ['models', /\.gguf\.new$/],
  ['demo', /\.json\.tmp$/],
];

/** Removes what a kill left between writing and renaming. Only for who holds the folder, before any child runs on it. */
export function removeDrafts(dataDir: string, log: (line: string) => void): void {
  for (const [folder, name] of DRAFTS) {
    for (const file of namesIn(join(dataDir, folder))) {
      const found = name.exec(file);
      // Somebody who is just trying to take the folder.
      if (!found || (found[1] !== undefined && isAlive(identify(Number(found[1]))))) continue;
      try {
        rmSync(join(dataDir, folder, file), { force: true });
      } catch (error) {
        log(`${join(dataDir, folder, file)} is left over and cannot be removed: ${(error as Error).message}`);
      }
    }
  }
}
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isBlockFolder } from '#collectors/files/tsdb/read-block.ts';
import { FaultlineError } from '#contracts/errors.ts';

/**
 * All files under the paths, folders walked in name order; links to folders are followed where they are named only, so that a loop of
 * them ends. @throws FaultlineError bad_request for a path that is not there
 */
export function filesUnder(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!lstatSync(path, { throwIfNoEntry: false })) throw new FaultlineError('bad_request', `There is no file or folder ${path}.`);
    return leadsToFolder(path) ? filesIn(path) : [path];
  });
}
function filesIn(folder: string): string[] {
  // A TSDB block is one thing, though it is a folder.
  if (isBlockFolder(folder)) return [folder];
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    // Its own import says why.
    return [folder];
  }
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesIn(path);
      return entry.isSymbolicLink() && leadsToFolder(path) ? [] : [path];
    });
}
function leadsToFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // A link that leads nowhere or in circles, a folder above that may not be entered: its own import says why.
    return false;
  }
}

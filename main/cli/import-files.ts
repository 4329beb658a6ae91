import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isBlockFolder } from '#collectors/files/tsdb/read-block.ts';
import { FaultlineError } from '#contracts/errors.ts';

/** All files under the paths, folders walked in name order. @throws FaultlineError bad_request for a path that is not there */
export function filesUnder(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const facts = statSync(path, { throwIfNoEntry: false });
    if (!facts) throw new FaultlineError('bad_request', `There is no file or folder ${path}.`);
    // A TSDB block is one thing, though it is a folder.
    if (!facts.isDirectory() || isBlockFolder(path)) return [path];
    const names = readdirSync(path).filter((name) => !name.startsWith('.'));
    return filesUnder(names.sort().map((name) => join(path, name)));
  });
}

import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file under another name until it is whole; removed at start where a kill left it (main/supervisor/remove-drafts.ts). */
export const draftOf = (path: string): string => `${path}.new`;

/**
 * Makes a database file that bears its name only once it is whole: a kill or a full disk amid its making must not leave what looks
 * like a damaged file (found by tests/faults, disk).
 * @param make writes a whole, closed database to the path it is given
 */
export async function createWhole(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = draftOf(path);
  const remove = (): void => {
    for (const left of [draft, `${draft}.wal`]) rmSync(left, { force: true });
  };
  remove();
  try {
    await make(draft);
    if (existsSync(`${draft}.wal`)) throw new Error(`${draft} was not written to its end`);
    takeName(draft, path);
  } catch (cause) {
    remove();
    throw cause;
  }
}
/** A link never replaces a file that somebody else has made meanwhile. */
function takeName(draft: string, path: string): void {
  try {
    linkSync(draft, path);
    rmSync(draft);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A file system without links (exFAT).
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    renameSync(draft, path);
  }
  if (process.platform === 'win32') return;
  // What is written into the file from now on must not depend on a name the disk does not know.
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

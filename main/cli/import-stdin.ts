import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** How a path says that the content comes by standard input: journalctl -o export | faultline import - */
export const STDIN = '-';
export interface Spooled {
  readonly path: string;
  remove(): void;
}
/** Content is told and recognised by all of it, so it is put on disk first; nobody else may read it there. */
export async function spoolStdin(input: NodeJS.ReadableStream = process.stdin): Promise<Spooled> {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-stdin-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, 'stdin');
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }));
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

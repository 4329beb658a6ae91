import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Bill } from '#contracts/cost.ts';
import type { Store } from '#contracts/store.ts';

/** Hands a bill's bytes to the store, which reads files. What a killed process leaves lies in tmp/, which the next start empties. */
export async function takeBill(store: Store, dataDir: string, name: string, bytes: Uint8Array): Promise<Bill> {
  const folder = path.join(dataDir, 'tmp');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `bill-${randomUUID()}`);
  try {
    await writeFile(file, bytes);
    return await takeBillFile(store, name, file);
  } finally {
    await rm(file, { force: true });
  }
}
/** A bill that is on disk already. */
export async function takeBillFile(store: Store, name: string, file: string): Promise<Bill> {
  // In pieces: half a gigabyte at once would hold up everything else for a second.
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return store.importBill({ path: file, name: path.basename(name), sha256: hash.digest('hex') });
}

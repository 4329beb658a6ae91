import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Bill } from '#contracts/cost.ts';
import type { Store } from '#contracts/store.ts';

/** Hands a bill's bytes to the store, which reads files. What a killed process leaves lies in tmp/, which the next start empties. */
export async function takeBill(store: Store, dataDir: string, name: string, bytes: Uint8Array): Promise<Bill> {
  const folder = path.join(dataDir, 'tmp');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `bill-${randomUUID()}`);
  try {
    await writeFile(file, bytes);
    return await store.importBill({ path: file, name: path.basename(name), sha256: createHash('sha256').update(bytes).digest('hex') });
  } finally {
    await rm(file, { force: true });
  }
}

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { JournalRecord } from '#contracts/journal.ts';

/** Bodies kept aside; what comes beyond is only counted. */
const MAX_FILES = 200;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Keeps a body that could not be decoded under quarantine/, with what is known of it beside: for the report of a bug.
 * Never throws: a full disk must not stop the engine.
 */
export async function quarantineRecord(dataDir: string, record: JournalRecord, error: unknown, log: (line: string) => void): Promise<void> {
  const folder = path.join(dataDir, 'quarantine');
  const { body, receivedUnixNano, ...facts } = record;
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length >= MAX_FILES * 2) return;
    const name = `record-${record.position}`;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    await writeFile(path.join(folder, `${name}.bin`), body.subarray(0, MAX_BODY_BYTES));
    await writeFile(
      path.join(folder, `${name}.json`),
      JSON.stringify({ ...facts, receivedUnixNano: String(receivedUnixNano), reason }, null, 2),
    );
  } catch (cause) {
    log(`cannot keep record ${record.position} aside: ${cause instanceof Error ? cause.message : cause}`);
  }
}

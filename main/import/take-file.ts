import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { headOf } from '#collectors/files/open-file.ts';
import { recognise } from '#collectors/files/recognise.ts';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import type { ImportResult } from '#contracts/import-files.ts';
import type { Engine } from '#main/engine/engine.ts';
import { takeBill } from '#main/engine/take-bill.ts';
import { billResult, importPath } from './import-path.ts';

/** A small file that came as one request. Large ones come in pieces and are read by a process of their own (import-desk.ts). */
export async function takeFile(engine: Engine, name: string, bytes: Uint8Array): Promise<ImportResult> {
  const { store, settings } = engine;
  const head = headOf(bytes.subarray(0, FILE_LIMITS.headBytes), bytes.length <= FILE_LIMITS.headBytes);
  const { candidates } = recognise(head.bytes, head.whole, head.compression);
  // Delimited text that comes here is meant as a bill, and told what it lacks for one; as a table it comes in pieces, with a mapping.
  if (candidates.includes('focus-csv') || candidates.includes('csv'))
    return billResult(name, await takeBill(store, settings.dataDir, name, bytes));
  const folder = path.join(settings.dataDir, 'tmp');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `import-${randomUUID()}`);
  try {
    await writeFile(file, bytes);
    const result = await importPath({ path: file, name, ingestUrl: engine.ingestUrl, book: engine.imports.door() });
    await engine.flush(false);
    return result;
  } finally {
    await rm(file, { force: true });
  }
}

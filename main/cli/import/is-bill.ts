import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compressionOf, parseHeader } from '#store/bills/read-header.ts';

/** Bytes looked at: a FOCUS header of 65 columns has 1,300. */
const HEAD_BYTES = 64 * 1024;
/** What they may become: 45 kB of zstd became 1.5 GB, at once, in the engine. */
const MAX_HEAD_BYTES = 16 * 1024 * 1024;
const FOCUS_COLUMNS = ['billedcost', 'effectivecost', 'chargeperiodstart', 'billingperiodstart', 'billingcurrency', 'chargecategory'];
const CSV_NAME = /\.csv(\.gz|\.zst)?$/i;

/** Whether a file is a bill, or a CSV that can be nothing else: by its header, else by its name. */
export function isBillFile(name: string, bytes: Uint8Array): boolean {
  const head = headOf(bytes);
  if (head === null || /^\s*[{[]/.test(head)) return false;
  const columns = new Set(parseHeader(head)?.columns.map((column) => column.toLowerCase()));
  return FOCUS_COLUMNS.filter((column) => columns.has(column)).length >= 2 || CSV_NAME.test(name);
}
/** The first text of a file, decompressed as far as it goes; '': it becomes far more than a header; null: what is there does not decompress. */
function headOf(bytes: Uint8Array): string | null {
  const head = bytes.subarray(0, HEAD_BYTES);
  const compression = compressionOf(head);
  try {
    const plain =
      compression === 'gzip'
        ? gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_HEAD_BYTES })
        : compression === 'zstd'
          ? zstdDecompressSync(head, { finishFlush: constants.ZSTD_e_flush, maxOutputLength: MAX_HEAD_BYTES })
          : head;
    return new TextDecoder().decode(plain.subarray(0, HEAD_BYTES)).replace(/^\uFEFF/, '');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? '' : null;
  }
}

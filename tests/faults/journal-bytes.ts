import { readFileSync } from 'node:fs';

/**
 * Records of a journal segment, found with code of its own by what docs/journal-format.md says: a damage must hit what the harness
 * means to hit, and the product's reader must not be the one to say where that is.
 */
export interface RecordPlace {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly bodyOffset: number;
}
const FIRST = 64;
const HEADER_BYTES = 48;
export function recordsOf(file: string): { readonly records: readonly RecordPlace[]; readonly end: number; readonly sequence: number } {
  const bytes = readFileSync(file);
  const sequence = bytes.readUInt32LE(12);
  const records: RecordPlace[] = [];
  let at = FIRST;
  while (at + HEADER_BYTES <= bytes.length && bytes.toString('latin1', at, at + 4) === 'FLR1') {
    if (bytes.readUInt32LE(at + 8) !== sequence || bytes.readUInt32LE(at + 12) !== at || bytes[at + 44] === 0) break;
    const lengthBytes = bytes.readUInt32LE(at + 20);
    records.push({ offset: at, lengthBytes, bodyOffset: at + HEADER_BYTES + (bytes[at + 47] as number) + bytes.readUInt32LE(at + 40) });
    at += Math.ceil(lengthBytes / 8) * 8;
  }
  return { records, end: at, sequence };
}

/**
 * Some files as one, without compression: a folder that is read as a whole goes to the console as an archive. Their bytes stay where they are;
 * they are read once, for the checksums. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export interface ZipPart {
  readonly name: string;
  readonly file: Blob;
}
/** Sizes and places are 32 bits wide. */
const MAX_BYTES = 0xffff_0000;
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1980-01-01: the same files make the same archive. */
const DATE = 0x21;

/** @throws Error when together they are larger than such an archive can be */
export async function zipFiles(name: string, parts: readonly ZipPart[]): Promise<File> {
  const pieces: BlobPart[] = [];
  const central: BlobPart[] = [];
  let at = 0;
  let centralBytes = 0;
  for (const part of parts) {
    const path = new TextEncoder().encode(part.name);
    if (at + part.file.size > MAX_BYTES) throw new Error('The folder is larger than 4 GiB: import it with "faultline import FOLDER".');
    const crc = await crcOf(part.file);
    const about = [VERSION, FLAGS, 0, 0, DATE, crc, part.file.size, part.file.size, path.length, 0];
    const local = record('IHHHHHIIIHH', [0x04034b50, ...about]);
    pieces.push(local, path, part.file);
    const entry = record('IHHHHHHIIIHHHHHII', [0x02014b50, VERSION, ...about, 0, 0, 0, 0, at]);
    central.push(entry, path);
    at += local.length + path.length + part.file.size;
    centralBytes += entry.length + path.length;
  }
  const end = record('IHHHHIIH', [0x06054b50, 0, 0, parts.length, parts.length, centralBytes, at, 0]);
  return new File([...pieces, ...central, end], name, { type: 'application/zip' });
}
/** Numbers of 16 (H) and 32 (I) bits, little-endian. */
function record(kinds: string, values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array([...kinds].reduce((sum, kind) => sum + (kind === 'I' ? 4 : 2), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  [...kinds].forEach((kind, i) => {
    if (kind === 'I') view.setUint32(at, values[i] as number, true);
    else view.setUint16(at, values[i] as number, true);
    at += kind === 'I' ? 4 : 2;
  });
  return bytes;
}
let table: Uint32Array | null = null;
function crcTable(): Uint32Array {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  return table;
}
/** CRC-32 of a file, piece by piece. */
async function crcOf(file: Blob): Promise<number> {
  const known = crcTable();
  let crc = 0xffff_ffff;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ 0xffff_ffff) >>> 0;
    for (const byte of value) crc = (known[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  }
}

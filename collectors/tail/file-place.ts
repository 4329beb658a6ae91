import { type BigIntStats, constants, fstat, stat } from 'node:fs';
import { crc32 } from 'node:zlib';
import { openFile, readAt } from '#collectors/pipeline/disk-file.ts';
import type { TailPlace, TailWhy } from '#contracts/tailing.ts';

/** What stands at the beginning of a file and before a place in it, so that another file under the same inode is not taken for it. */
export type Fingerprint = Pick<TailPlace, 'headBytes' | 'headCrc' | 'tailBytes' | 'tailCrc'>;
export const HEAD_BYTES = 1_024;
export const TAIL_BYTES = 64;
export const NO_HEAD: Pick<Fingerprint, 'headBytes' | 'headCrc'> = { headBytes: 0, headCrc: 0 };

export interface FileIdentity {
  readonly device: string;
  readonly inode: string;
}
export const keyOf = ({ device, inode }: FileIdentity): string => `${device}:${inode}`;
export const identityOf = ({ dev, ino }: BigIntStats): FileIdentity => ({ device: String(dev), inode: String(ino) });

export function statFile(path: string): Promise<BigIntStats> {
  return new Promise((resolve, reject) => stat(path, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats))));
}
export function statOpen(fd: number): Promise<BigIntStats> {
  return new Promise((resolve, reject) => fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats))));
}
/** Without waiting for a writer, should it be a FIFO by now. */
export const openToRead = (path: string): Promise<number> => openFile(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));

/** Bytes of the file that are in memory already. */
export interface HeldBytes {
  readonly bytes: Buffer;
  readonly from: number;
}
async function checksum(fd: number, from: number, length: number, held: HeldBytes | null = null): Promise<number | null> {
  if (held && from >= held.from && from + length <= held.from + held.bytes.length)
    return crc32(held.bytes.subarray(from - held.from, from - held.from + length));
  const bytes = Buffer.allocUnsafe(length);
  return (await readAt(fd, bytes, from)) === length ? crc32(bytes) : null;
}
/**
 * @param head what is known of the first bytes: they are read only until there are enough of them
 * @param held what was read, where the file may be another one by now
 */
export async function fingerprint(
  fd: number,
  offset: number,
  head: Pick<Fingerprint, 'headBytes' | 'headCrc'>,
  held: HeldBytes | null,
): Promise<Fingerprint> {
  const headBytes = Math.min(HEAD_BYTES, offset);
  const tailBytes = Math.min(TAIL_BYTES, offset);
  const headCrc = headBytes === head.headBytes ? head.headCrc : ((await checksum(fd, 0, headBytes, held)) ?? 0);
  return { headBytes, headCrc, tailBytes, tailCrc: (await checksum(fd, offset - tailBytes, tailBytes, held)) ?? 0 };
}
/** Is what was read up to this place still there? */
export async function stands(fd: number, size: number, place: Fingerprint & Pick<TailPlace, 'offset'>): Promise<boolean> {
  if (size < place.offset) return false;
  if ((await checksum(fd, 0, place.headBytes)) !== place.headCrc) return false;
  return (await checksum(fd, place.offset - place.tailBytes, place.tailBytes)) === place.tailCrc;
}

const COMPRESSED_NAME = /\.(?:gz|tgz|zst|bz2|xz|lz4|zip|Z)$/;
const COMPRESSED: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0x42, 0x5a, 0x68, 0x39],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x50, 0x4b, 0x03, 0x04],
];
export const hasCompressedName = (path: string): boolean => COMPRESSED_NAME.test(path);
/** Bytes of the beginning that show what a file is. */
export const SNIFF_BYTES = 512;
const begins = (bytes: Buffer, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
/** @param bytes first bytes of a file @returns why it is not read as lines of text; '' when it is */
export function whyNotText(bytes: Buffer): TailWhy | '' {
  if (COMPRESSED.some((magic) => begins(bytes, magic))) return 'compressed';
  if (begins(bytes, [0xff, 0xfe]) || begins(bytes, [0xfe, 0xff])) return 'utf16';
  // A run of NULs in front is what a truncation leaves under a writer without O_APPEND.
  let at = 0;
  while (at < bytes.length && bytes[at] === 0) at++;
  let control = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1b) control++;
  }
  return control * 20 > bytes.length - at ? 'binary' : '';
}
/** What it is instead of a file; '' when it is one. */
export function whyNotFile(stats: BigIntStats): TailWhy | '' {
  if (stats.isFile()) return '';
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return 'device';
}

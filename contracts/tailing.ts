/**
 * Files that are read as they grow: how the code passes it on, what is shown of it. How the operator says it: tail-config.ts. Without zod:
 * the collector must start fast.
 */
export const TAIL_FORMATS = ['auto', 'plain', 'json', 'logfmt'] as const;
export type TailFormat = (typeof TAIL_FORMATS)[number];

export const MAX_TAILS = 64;

/** When a line begins a record of its own. */
export type Multiline =
  | { readonly by: 'line' }
  /** Lines that begin with a blank belong to the one before. */
  | { readonly by: 'indent' }
  /** A line this fits begins a record. Source of a RegExp. */
  | { readonly by: 'start'; readonly pattern: string };
export interface TailSettings {
  /** Absolute. */
  readonly pattern: string;
  readonly exclude: readonly string[];
  readonly format: TailFormat;
  readonly multiline: Multiline;
  readonly multilineMs: number;
  /** '' = from the file's name. */
  readonly service: string;
  readonly from: 'beginning' | 'end';
  readonly zone: 'local' | 'utc';
}

/**
 * How far a file is read. `file` is one life of a file (a truncation begins another); the checksums, over its first bytes and over
 * those before the offset, tell whether what stands there now is still that file.
 */
export interface TailPlace {
  readonly file: string;
  readonly path: string;
  /** Decimal: 64 bits on Windows. */
  readonly device: string;
  readonly inode: string;
  readonly offset: number;
  readonly headBytes: number;
  readonly headCrc: number;
  readonly tailBytes: number;
  readonly tailCrc: number;
}
/** Meta of a journal record that holds lines of a file: where the file is read to once the record is durable. */
export interface TailMeta {
  /** As of a forwarded body: a record written twice after a failed flush is stored once. */
  readonly batch: string;
  readonly tail: TailPlace;
}

/** In the data folder: how far files are read. */
export const TAIL_BOOK_FILE = 'tails.json';

/** Why a file is not read, or not yet. Closed list: a word of the page. */
export const TAIL_WHYS = {
  compressed: 'compressed: only the file it was made from is read',
  utf16: 'UTF-16: only UTF-8 and what is like it is read',
  binary: 'binary: no lines of text',
  folder: 'a folder, no file',
  fifo: 'a FIFO, no file',
  socket: 'a socket, no file',
  device: 'a device, no file',
  copy: 'a copy of a file that is read: read on once that one is truncated',
  too_many: 'more files, or names to look at, than the limit: not all of them are read',
} as const;
export type TailWhy = keyof typeof TAIL_WHYS;

/** One file on the Sources page. */
export interface TailedFileStatus {
  readonly path: string;
  /** following: read to its end. skipped: not read, `says` why. gone: deleted or renamed out of sight, and read to its end. */
  readonly state: 'reading' | 'following' | 'waiting' | 'skipped' | 'failing' | 'gone';
  /** Bytes read and durable, and bytes there are. */
  readonly offset: number;
  readonly size: number;
  readonly lines: number;
  /** '' = it is read, or the system says in `says` why not. */
  readonly why: TailWhy | '';
  /** Why it is not read, or what went wrong last; '' otherwise. */
  readonly says: string;
}

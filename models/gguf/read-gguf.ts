import { MAGIC, VALUE, VALUE_BYTES } from './gguf-format.ts';

/** Reads up to `length` bytes at `offset`; fewer only at the end of the file. */
export type ReadAt = (offset: number, length: number) => Uint8Array;
export type GgufScalar = number | bigint | boolean | string;
export interface GgufArray {
  readonly elementType: number;
  readonly count: number;
  /** Numbers of short arrays (per-layer head counts); long ones and strings are walked over, not kept. */
  readonly numbers: readonly number[];
}
export interface GgufTensorInfo {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: number;
  /** From the start of the tensor data. */
  readonly offset: number;
}
export interface GgufHeader {
  readonly values: ReadonlyMap<string, GgufScalar>;
  readonly arrays: ReadonlyMap<string, GgufArray>;
  readonly tensors: readonly GgufTensorInfo[];
  /** Where the header ends; tensor data starts at the next multiple of the alignment. */
  readonly headerBytes: number;
}
/** What a header may hold: the largest known models stay far below. */
export const GGUF_LIMITS = {
  headerBytes: 128 * 1024 * 1024,
  entries: 4_096,
  tensors: 65_536,
  keyBytes: 256,
  tensorNameBytes: 128,
  stringBytes: 1024 * 1024,
  tokenBytes: 65_536,
  arrayValues: 4_000_000,
  keptNumbers: 2_048,
} as const;
const WINDOW_BYTES = 1024 * 1024;

/** A sentence about what is wrong; its caller puts the file's name before it. */
export class GgufError extends Error {}
const refuse = (says: string): never => {
  throw new GgufError(says);
};

/** Sequential reader over a window: a header is read once, front to back, and never beyond its limits. */
class Cursor {
  private window: Uint8Array = new Uint8Array(0);
  private windowStart = 0;
  private readonly readAt: ReadAt;
  private readonly end: number;
  at = 0;

  constructor(readAt: ReadAt, fileBytes: number) {
    this.readAt = readAt;
    this.end = Math.min(fileBytes, GGUF_LIMITS.headerBytes);
  }
  /** A view of the next bytes, valid until the next call. */
  take(length: number): DataView {
    if (this.at + length > this.end) {
      refuse(
        this.end === GGUF_LIMITS.headerBytes
          ? `its header is larger than ${GGUF_LIMITS.headerBytes} bytes`
          : `it ends at byte ${this.end}, in the middle of its header`,
      );
    }
    if (this.at < this.windowStart || this.at + length > this.windowStart + this.window.length) {
      this.window = this.readAt(this.at, Math.min(Math.max(length, WINDOW_BYTES), this.end - this.at));
      this.windowStart = this.at;
      if (this.window.length < length) refuse(`it ends at byte ${this.at + this.window.length}, in the middle of its header`);
    }
    const view = new DataView(this.window.buffer, this.window.byteOffset + this.at - this.windowStart, length);
    this.at += length;
    return view;
  }
  skip(length: number): void {
    if (this.at + length > this.end) this.take(length);
    this.at += length;
  }
  uint32(): number {
    return this.take(4).getUint32(0, true);
  }
  /** A count or size: what does not fit a double exactly is nonsense in any file. */
  uint64(what: string): number {
    const value = this.take(8).getBigUint64(0, true);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? refuse(`${what} is ${value}`) : Number(value);
  }
  string(maxBytes: number, what: string): string {
    const length = this.uint64(`the length of ${what}`);
    if (length > maxBytes) refuse(`${what} is ${length} bytes long, the limit is ${maxBytes}`);
    const view = this.take(length);
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, length));
  }
  /** A key or name: printable ASCII. llama.cpp reads it up to its first zero byte, and ends its process when that leaves nothing. */
  name(maxBytes: number, what: string): string {
    const name = this.string(maxBytes, what);
    return /^[\x21-\x7e]+$/.test(name) ? name : refuse(`${what} is ${JSON.stringify(name)}`);
  }
  skipString(what: string): void {
    const length = this.uint64(`the length of ${what}`);
    if (length > GGUF_LIMITS.stringBytes) refuse(`${what} is ${length} bytes long, the limit is ${GGUF_LIMITS.stringBytes}`);
    this.skip(length);
  }
}

function scalar(cursor: Cursor, type: number, key: string): GgufScalar {
  switch (type) {
    case VALUE.uint8:
      return cursor.take(1).getUint8(0);
    case VALUE.int8:
      return cursor.take(1).getInt8(0);
    case VALUE.uint16:
      return cursor.take(2).getUint16(0, true);
    case VALUE.int16:
      return cursor.take(2).getInt16(0, true);
    case VALUE.uint32:
      return cursor.take(4).getUint32(0, true);
    case VALUE.int32:
      return cursor.take(4).getInt32(0, true);
    case VALUE.float32:
      return cursor.take(4).getFloat32(0, true);
    case VALUE.float64:
      return cursor.take(8).getFloat64(0, true);
    case VALUE.uint64:
      return cursor.take(8).getBigUint64(0, true);
    case VALUE.int64:
      return cursor.take(8).getBigInt64(0, true);
    case VALUE.bool: {
      const byte = cursor.take(1).getUint8(0);
      return byte > 1 ? refuse(`"${key}" is neither true nor false`) : byte === 1;
    }
    case VALUE.string:
      return cursor.string(GGUF_LIMITS.stringBytes, `"${key}"`);
    default:
      return refuse(`"${key}" has the unknown value type ${type}`);
  }
}
function array(cursor: Cursor, key: string): GgufArray {
  const elementType = cursor.uint32();
  const count = cursor.uint64(`the length of "${key}"`);
  if (count > GGUF_LIMITS.arrayValues) refuse(`"${key}" has ${count} values, the limit is ${GGUF_LIMITS.arrayValues}`);
  if (elementType === VALUE.string && key === 'tokenizer.ggml.tokens') {
    refuseRepeated(cursor, count);
    return { elementType, count, numbers: [] };
  }
  if (elementType === VALUE.string) {
    for (let i = 0; i < count; i++) cursor.skipString(`value ${i} of "${key}"`);
    return { elementType, count, numbers: [] };
  }
  const bytes = VALUE_BYTES[elementType] ?? refuse(`"${key}" is a list of the unknown type ${elementType}`);
  if (count > GGUF_LIMITS.keptNumbers) {
    cursor.skip(count * bytes);
    return { elementType, count, numbers: [] };
  }
  return { elementType, count, numbers: Array.from({ length: count }, () => Number(scalar(cursor, elementType, key))) };
}
/** llama.cpp ends its process when two tokens are spelt alike (empty ones it renames). Compared by bytes: they need not be UTF-8. */
function refuseRepeated(cursor: Cursor, count: number): void {
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    const length = cursor.uint64(`the length of token ${i}`);
    if (length > GGUF_LIMITS.tokenBytes) refuse(`token ${i} is ${length} bytes long, the limit is ${GGUF_LIMITS.tokenBytes}`);
    const view = cursor.take(length);
    const token = Buffer.from(view.buffer, view.byteOffset, length).toString('latin1');
    if (length > 0 && seen.has(token)) refuse(`token ${i} is there twice`);
    seen.add(token);
  }
}
function tensorInfo(cursor: Cursor, index: number): GgufTensorInfo {
  const what = `tensor ${index}`;
  const name = cursor.name(GGUF_LIMITS.tensorNameBytes, `the name of ${what}`);
  const dimensions = cursor.uint32();
  if (dimensions < 1 || dimensions > 4) refuse(`tensor "${name}" has ${dimensions} dimensions`);
  const dims = Array.from({ length: dimensions }, () => cursor.uint64(`a dimension of tensor "${name}"`));
  return { name, dims, type: cursor.uint32(), offset: cursor.uint64(`the offset of tensor "${name}"`) };
}
function checkStart(cursor: Cursor): void {
  const magic = cursor.uint32();
  if (magic !== MAGIC) refuse('it is not a GGUF file: its first four bytes are not "GGUF"');
  const version = cursor.uint32();
  if (version >= 0x1000000) refuse('it is a big-endian GGUF file; only little-endian ones are read');
  if (version !== 2 && version !== 3) refuse(`its GGUF version is ${version}; 2 and 3 are read`);
}

/**
 * Our own bounded reader of a GGUF header: llama.cpp ends its process on some malformed ones (facts/llm.md §1), so a file is
 * looked at here first. Reads structure only; check-gguf.ts judges the values. @throws GgufError
 */
export function readGguf(readAt: ReadAt, fileBytes: number): GgufHeader {
  if (fileBytes === 0) refuse('it is empty');
  if (fileBytes < 24) refuse(`it is only ${fileBytes} bytes long`);
  const cursor = new Cursor(readAt, fileBytes);
  checkStart(cursor);
  const tensorCount = cursor.uint64('the number of tensors');
  const entryCount = cursor.uint64('the number of metadata entries');
  if (tensorCount > GGUF_LIMITS.tensors) refuse(`it names ${tensorCount} tensors, the limit is ${GGUF_LIMITS.tensors}`);
  if (entryCount > GGUF_LIMITS.entries) refuse(`it names ${entryCount} metadata entries, the limit is ${GGUF_LIMITS.entries}`);
  const values = new Map<string, GgufScalar>();
  const arrays = new Map<string, GgufArray>();
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.name(GGUF_LIMITS.keyBytes, `the key of metadata entry ${i}`);
    if (values.has(key) || arrays.has(key)) refuse(`"${key}" is there twice`);
    const type = cursor.uint32();
    if (type === VALUE.array) arrays.set(key, array(cursor, key));
    else values.set(key, scalar(cursor, type, key));
  }
  const tensors = Array.from({ length: tensorCount }, (_, i) => tensorInfo(cursor, i));
  return { values, arrays, tensors, headerBytes: cursor.at };
}

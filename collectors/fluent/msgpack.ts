import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { NestedValue } from '#collectors/otlp/otlp-writer.ts';

/**
 * MessagePack (github.com/msgpack/msgpack, spec.md) as senders of logs use it. `MsgpackScan` finds where a value ends, also when its
 * bytes come bit by bit; `MsgpackReader` reads values of bounded size and depth.
 */
export type MsgpackType = 'array' | 'bytes' | 'extension' | 'integer' | 'float' | 'map' | 'nil' | 'boolean' | 'text';

/** Formats c0 .. df: [kind, bytes of the length or of the value]. */
type Kind = 'value' | 'bytes' | 'text' | 'extension' | 'fixedExtension' | 'array' | 'map' | 'none';
const FORMATS: readonly (readonly [Kind, number])[] = [
  ...[['value', 0] as const, ['none', 0] as const, ['value', 0] as const, ['value', 0] as const],
  ...[['bytes', 1] as const, ['bytes', 2] as const, ['bytes', 4] as const],
  ...[['extension', 1] as const, ['extension', 2] as const, ['extension', 4] as const],
  ...[4, 8].map((size) => ['value', size] as const),
  ...[1, 2, 4, 8].map((size) => ['value', size] as const),
  ...[1, 2, 4, 8].map((size) => ['value', size] as const),
  ...[1, 2, 4, 8, 16].map((size) => ['fixedExtension', size] as const),
  ...[['text', 1] as const, ['text', 2] as const, ['text', 4] as const],
  ...[['array', 2] as const, ['array', 4] as const, ['map', 2] as const, ['map', 4] as const],
];
const unused = (at: number): OtlpError => new OtlpError('malformed', `0xc1, which MessagePack never uses, at byte ${at}`);
const uintAt = (bytes: Buffer, at: number, size: number): number => (size === 0 ? 0 : bytes.readUIntBE(at, size));

/** Where a value ends. Nothing is kept but how many values are still open: an array of four billion costs no more than one of two. */
export class MsgpackScan {
  /** Byte after what was scanned; may lie beyond what has come: a text's end is known from its start. */
  end = 0;
  private open = 1;

  /** @returns true when the value ends within `length` bytes @throws OtlpError malformed */
  advance(bytes: Buffer, length: number): boolean {
    while (this.open > 0 && this.end < length) {
      const first = bytes[this.end] as number;
      const head = headBytes(first);
      if (this.end + head > length) return false;
      this.open--;
      this.step(bytes, first, head);
    }
    return this.open === 0 && this.end <= length;
  }
  private step(bytes: Buffer, first: number, head: number): void {
    const at = this.end + 1;
    this.end += head;
    if (first < 0x80 || first >= 0xe0) return;
    if (first < 0x90) this.open += (first & 15) * 2;
    else if (first < 0xa0) this.open += first & 15;
    else if (first < 0xc0) this.end += first & 31;
    else {
      const [kind, size] = FORMATS[first - 0xc0] as (typeof FORMATS)[number];
      if (kind === 'none') throw unused(at - 1);
      if (kind === 'value') this.end += size;
      else if (kind === 'fixedExtension') this.end += size + 1;
      else if (kind === 'extension') this.end += uintAt(bytes, at, size) + 1;
      else if (kind === 'array') this.open += uintAt(bytes, at, size);
      else if (kind === 'map') this.open += uintAt(bytes, at, size) * 2;
      else this.end += uintAt(bytes, at, size);
    }
  }
  /** Bytes the whole value takes at least, as far as it was scanned. */
  get leastBytes(): number {
    return this.end + this.open;
  }
}
/** The format byte and its length field. */
function headBytes(first: number): number {
  if (first < 0xc0 || first >= 0xe0) return 1;
  const [kind, size] = FORMATS[first - 0xc0] as (typeof FORMATS)[number];
  return kind === 'value' || kind === 'fixedExtension' || kind === 'none' ? 1 : 1 + size;
}

export interface ReadLimits {
  readonly maxDepth: number;
  /** Values in one value, all levels together. */
  readonly maxValues: number;
}
/** Bytes that are all there. Reads past the end are refused. */
export class MsgpackReader {
  readonly bytes: Buffer;
  pos = 0;
  private values = 0;
  private readonly limits: ReadLimits;

  constructor(bytes: Buffer, limits: ReadLimits) {
    this.bytes = bytes;
    this.limits = limits;
  }
  get ended(): boolean {
    return this.pos >= this.bytes.length;
  }
  /** What the next value is, without reading it. */
  peek(): MsgpackType {
    const first = this.bytes[this.pos];
    if (first === undefined) throw this.cut();
    if (first < 0x80 || first >= 0xe0) return 'integer';
    if (first < 0xa0) return first < 0x90 ? 'map' : 'array';
    if (first < 0xc0) return 'text';
    if (first === 0xc0) return 'nil';
    if (first === 0xc2 || first === 0xc3) return 'boolean';
    if (first === 0xca || first === 0xcb) return 'float';
    const [kind] = FORMATS[first - 0xc0] as (typeof FORMATS)[number];
    if (kind === 'none') throw unused(this.pos);
    if (kind === 'fixedExtension') return 'extension';
    return kind === 'value' ? 'integer' : kind;
  }
  /** Steps over the next value. @returns where it began @throws OtlpError malformed when it is not whole */
  skip(): number {
    const start = this.pos;
    const scan = new MsgpackScan();
    scan.end = start;
    if (!scan.advance(this.bytes, this.bytes.length)) throw this.cut();
    this.pos = scan.end;
    return start;
  }
  /** Elements of the array, or pairs of the map, that follow. */
  count(type: 'array' | 'map'): number {
    if (this.peek() !== type) throw this.wrong(type);
    const first = this.byte();
    if (first < 0xc0) return first & 15;
    return this.uint((FORMATS[first - 0xc0] as (typeof FORMATS)[number])[1]);
  }
  /** A text, or bytes taken as one: older senders know no difference. What is not UTF-8 becomes U+FFFD. */
  text(): string {
    return this.raw().toString('utf8');
  }
  /** Content of a text or of bytes, lent. */
  raw(): Buffer {
    const type = this.peek();
    if (type !== 'text' && type !== 'bytes') throw this.wrong('text');
    const first = this.byte();
    return this.take(first < 0xc0 ? first & 31 : this.uint((FORMATS[first - 0xc0] as (typeof FORMATS)[number])[1]));
  }
  extension(): { readonly kind: number; readonly content: Buffer } {
    const [form, size] = FORMATS[this.byte() - 0xc0] as (typeof FORMATS)[number];
    const length = form === 'fixedExtension' ? size : this.uint(size);
    const kind = this.take(1).readInt8(0);
    return { kind, content: this.take(length) };
  }
  /** A value as OTLP may have it. @throws OtlpError too_deep, malformed */
  value(): NestedValue {
    this.values = 0;
    return this.valueAt(0);
  }

  private valueAt(depth: number): NestedValue {
    if (++this.values > this.limits.maxValues) throw new OtlpError('malformed', `more than ${this.limits.maxValues} values in one record`);
    switch (this.peek()) {
      case 'nil':
        this.pos++;
        return null;
      case 'boolean':
        return this.byte() === 0xc3;
      case 'text':
        return this.text();
      case 'bytes': {
        const raw = this.raw();
        const text = raw.toString('utf8');
        return text.includes('\uFFFD') ? Buffer.from(raw) : text;
      }
      case 'float':
        return this.byte() === 0xca ? this.take(4).readFloatBE() : this.take(8).readDoubleBE();
      case 'extension': {
        const { content } = this.extension();
        return Buffer.from(content);
      }
      case 'integer':
        return this.integer();
      case 'array':
        return Array.from({ length: this.enter(depth, 'array', 1) }, () => this.valueAt(depth + 1));
      case 'map': {
        const map = new Map<string, NestedValue>();
        for (let left = this.enter(depth, 'map', 2); left > 0; left--) {
          const key = this.valueAt(depth + 1);
          if (typeof key === 'object' && key !== null) throw new OtlpError('malformed', 'a key of a map is neither text nor number');
          map.set(String(key), this.valueAt(depth + 1));
        }
        return map;
      }
    }
  }
  /** @param each values an element takes at least: a count that cannot be true costs nothing */
  private enter(depth: number, type: 'array' | 'map', each: number): number {
    if (depth >= this.limits.maxDepth) throw new OtlpError('too_deep', `values are nested deeper than ${this.limits.maxDepth}`);
    const count = this.count(type);
    if (count * each > this.bytes.length - this.pos) throw this.cut();
    if (count * each > this.limits.maxValues) throw new OtlpError('malformed', `more than ${this.limits.maxValues} values in one record`);
    return count;
  }
  private integer(): NestedValue {
    const first = this.byte();
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 256;
    const size = (FORMATS[first - 0xc0] as (typeof FORMATS)[number])[1];
    const signed = first >= 0xd0;
    const bytes = this.take(size);
    if (size < 8) return signed ? bytes.readIntBE(0, size) : bytes.readUIntBE(0, size);
    const wide = signed ? bytes.readBigInt64BE() : bytes.readBigUInt64BE();
    if (BigInt.asIntN(64, wide) !== wide) return String(wide);
    return Number.isSafeInteger(Number(wide)) ? Number(wide) : wide;
  }
  private byte(): number {
    const byte = this.bytes[this.pos++];
    if (byte === undefined) throw this.cut();
    return byte;
  }
  private uint(size: number): number {
    return uintAt(this.take(size), 0, size);
  }
  private take(length: number): Buffer {
    const start = this.pos;
    if (length > this.bytes.length - start) throw this.cut();
    this.pos = start + length;
    return this.bytes.subarray(start, this.pos);
  }
  private cut(): OtlpError {
    return new OtlpError('malformed', `MessagePack is cut off at byte ${this.bytes.length}`);
  }
  wrong(wanted: string): OtlpError {
    return new OtlpError('malformed', `there is a value of type ${this.peek()} where ${wanted} should be, at byte ${this.pos}`);
  }
}

import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { isValidUtf8 } from '#collectors/otlp/utf8.ts';
import type { WireInput } from '#collectors/otlp/wire.ts';
import type { Limits } from '#contracts/settings.ts';
import { BAD_SYMBOL, LABEL_TOO_LONG, LABELS_OK, TOO_MANY_LABELS } from './write-labels.ts';

const MAX_SYMBOLS = 1_048_576;
/** A symbol may stand in every series: what the labels take written out is bounded by this many times limits.maxDecompressedBytes. */
const MAX_EXPANSION = 4;
const NO_NAME = -1;

/**
 * Symbol table of a 2.0 request, and the labels of one series written out as 1.0 writes them: from there on both
 * versions are judged, remembered and read by the same code.
 */
export class SymbolTable implements WireInput {
  /** Label fields of the series at hand, in [0, length). */
  bytes: Uint8Array = new Uint8Array(1024);
  view: DataView = new DataView(this.bytes.buffer);
  pos = 0;
  lo = 0;
  hi = 0;
  length = 0;
  count = 0;
  /** Why the last reference was refused, as a clause. */
  problem = '';
  private source: Uint8Array = this.bytes;
  private starts = new Uint32Array(256);
  private ends = new Uint32Array(256);
  private name = NO_NAME;
  private pairs = 0;
  private maxLabels = 0;
  private maxBytes = 0;
  private expansionLeft = 0;

  begin(limits: Pick<Limits, 'maxAttributes' | 'maxAttributeBytes' | 'maxDecompressedBytes'>): void {
    this.count = 0;
    this.maxLabels = limits.maxAttributes + 1;
    this.maxBytes = limits.maxAttributeBytes;
    this.expansionLeft = limits.maxDecompressedBytes * MAX_EXPANSION;
  }
  /** @throws OtlpError */
  add({ bytes, view }: WireInput, start: number, end: number): void {
    if (this.count === MAX_SYMBOLS) throw new OtlpError('decompressed_too_large', `more than ${MAX_SYMBOLS} symbols in one request`);
    if (!isValidUtf8(bytes, view, start, end))
      throw new OtlpError('invalid_utf8', `symbol ${this.count} at byte ${start} is not valid UTF-8`);
    if (this.count === this.starts.length) {
      const [starts, ends] = [new Uint32Array(this.count * 2), new Uint32Array(this.count * 2)];
      starts.set(this.starts);
      ends.set(this.ends);
      this.starts = starts;
      this.ends = ends;
    }
    this.source = bytes;
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }
  /** Reference 0 is "nothing", also without a table. */
  text(reference: number): string {
    if (reference === 0 || reference >= this.count) return '';
    const { buffer, byteOffset } = this.source;
    const start = this.starts[reference] as number;
    return Buffer.from(buffer, byteOffset + start, (this.ends[reference] as number) - start).toString('utf8');
  }

  /** A text of an exemplar: counts against what the request may expand to. @throws OtlpError */
  spend(reference: number): string {
    this.charge((this.ends[reference] as number) - (this.starts[reference] as number));
    return this.text(reference);
  }
  private charge(bytes: number): void {
    this.expansionLeft -= bytes;
    if (this.expansionLeft < 0) throw new OtlpError('decompressed_too_large', 'the labels written out are larger than any request may be');
  }

  beginLabels(): void {
    this.length = 0;
    this.pairs = 0;
    this.name = NO_NAME;
  }
  /** Names and values come by turns. @param high upper half of the reference @returns a verdict, see LABEL_REASONS */
  addReference(reference: number, high: number): number {
    if (high !== 0 || reference >= this.count) {
      this.problem = `a label refers to symbol ${high * 2 ** 32 + reference}, there are ${this.count}`;
      return BAD_SYMBOL;
    }
    if ((this.ends[reference] as number) - (this.starts[reference] as number) > this.maxBytes) {
      this.problem = `symbol ${reference} has more than ${this.maxBytes} bytes`;
      return LABEL_TOO_LONG;
    }
    if (this.name === NO_NAME) {
      this.name = reference;
      return LABELS_OK;
    }
    if (++this.pairs > this.maxLabels) {
      this.problem = `it has more than ${this.maxLabels - 1} labels`;
      return TOO_MANY_LABELS;
    }
    this.writeLabel(this.name, reference);
    this.name = NO_NAME;
    return LABELS_OK;
  }
  finishLabels(): number {
    if (this.name === NO_NAME) return LABELS_OK;
    this.problem = 'a label name has no value';
    return BAD_SYMBOL;
  }
  private writeLabel(name: number, value: number): void {
    const nameStart = this.starts[name] as number;
    const nameLength = (this.ends[name] as number) - nameStart;
    const valueStart = this.starts[value] as number;
    const valueLength = (this.ends[value] as number) - valueStart;
    const size = nameLength + valueLength + 2 + varintBytes(nameLength) + varintBytes(valueLength);
    this.reserve(size);
    this.bytes[this.length++] = 0x0a;
    this.varint(size);
    this.bytes[this.length++] = 0x0a;
    this.varint(nameLength);
    this.copy(this.source, nameStart, nameLength);
    this.bytes[this.length++] = 0x12;
    this.varint(valueLength);
    this.copy(this.source, valueStart, valueLength);
  }
  /** A label field of a 1.0 request as it came. */
  copyLabel(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes[this.length++] = 0x0a;
    this.varint(end - start);
    this.copy(from, start, end - start);
  }
  private copy(from: Uint8Array, start: number, length: number): void {
    const { bytes } = this;
    const at = this.length;
    if (length < 48) for (let i = 0; i < length; i++) bytes[at + i] = from[start + i] as number;
    else bytes.set(from.subarray(start, start + length), at);
    this.length = at + length;
  }
  private varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.bytes[this.length++] = (rest & 0x7f) | 0x80;
    this.bytes[this.length++] = rest;
  }
  private reserve(size: number): void {
    this.charge(size);
    // Eight more are read by comparisons word by word.
    const needed = this.length + size + 24;
    if (needed <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) bytes++;
  return bytes;
}

import { ByteIndex } from './byte-index.ts';
import type { Decoding } from './decoding.ts';

/** Beyond so many bytes of keys they are compared one with another instead: slow, and only a hostile sender gets there. */
const MAX_KEY_BYTES = 1024 * 1024;
const MAX_KEYS = 65_536;

/**
 * Numbers for attribute keys, across requests: a telemetry stream has few. The promoted keys come first, so that a
 * key's number says whether it has a column of its own.
 */
export class AttributeKeys {
  private readonly index = new ByteIndex(MAX_KEY_BYTES);
  /** Per key the cell of its text; of a long one the offset is left to the caller. */
  cells = new Uint32Array(4 * 256);
  private readonly promoted: readonly string[];

  constructor(promoted: readonly string[]) {
    this.promoted = promoted;
    this.reset();
  }
  private reset(): void {
    this.index.clear();
    for (const key of this.promoted) {
      const bytes = Buffer.from(`${key}\0\0\0\0`);
      this.index.add(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, key.length, 0);
      this.addCell(this.index.count - 1);
    }
  }
  /** To be called between bodies only: key numbers change. @returns true when they did */
  forgetIfFull(): boolean {
    if (!this.index.isFull && this.index.count < MAX_KEYS) return false;
    this.reset();
    return true;
  }
  is(key: number, d: Decoding, start: number, length: number): boolean {
    return key >= 0 && this.index.matches(key, d.view, start, length, 0);
  }
  /**
   * @returns -1 for a key without a number
   * @throws OtlpError invalid_utf8: what has a number has been looked at
   */
  numberOf(d: Decoding, start: number, length: number): number {
    const known = this.index.find(d.view, start, length, 0);
    if (known >= 0 || this.index.count >= MAX_KEYS) return known;
    d.requireUtf8(start, length);
    const added = this.index.add(d.bytes, d.view, start, length, 0);
    if (added >= 0) this.addCell(added);
    return added;
  }

  private addCell(key: number): void {
    if (key * 4 >= this.cells.length) {
      const cells = new Uint32Array(this.cells.length * 2);
      cells.set(this.cells);
      this.cells = cells;
    }
    const text = this.index.bytesOf(key);
    const cell = new Uint8Array(this.cells.buffer, key * 16, 16);
    this.cells.fill(0, key * 4, key * 4 + 4);
    this.cells[key * 4] = text.length;
    cell.set(text.subarray(0, text.length <= 12 ? text.length : 4), 4);
  }
}

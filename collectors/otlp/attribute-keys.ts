import { ByteIndex } from './byte-index.ts';
import type { Decoding } from './decoding.ts';

/** Beyond so many bytes of keys they are compared one with another instead: slow, and only a hostile sender gets there. */
const MAX_KEY_BYTES = 1024 * 1024;

/**
 * Numbers for attribute keys, across requests: a telemetry stream has few. The promoted keys come first, so that a
 * key's number says whether it has a column of its own.
 */
export class AttributeKeys {
  private readonly index = new ByteIndex(MAX_KEY_BYTES);
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
    }
  }
  /** To be called between bodies only: key numbers change. @returns true when they did */
  forgetIfFull(): boolean {
    if (!this.index.isFull && this.index.count < 65_536) return false;
    this.reset();
    return true;
  }
  is(key: number, d: Decoding, start: number, length: number): boolean {
    return key >= 0 && this.index.matches(key, d.view, start, length, 0);
  }
  /** @returns -1 for a key without a number */
  numberOf(d: Decoding, start: number, length: number): number {
    const known = this.index.find(d.view, start, length, 0);
    if (known >= 0 || this.index.count >= 65_536) return known;
    return this.index.add(d.bytes, d.view, start, length, 0);
  }
}

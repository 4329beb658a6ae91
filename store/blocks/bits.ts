/** Bits one after the other, the lowest of a value first, in 32-bit little-endian words. Values are whole numbers below 2^53. */
const POWERS = Float64Array.from({ length: 64 }, (_, i) => 2 ** i);
export const powerOfTwo = (exponent: number): number => POWERS[exponent] as number;

export class BitWriter {
  private words = new Uint32Array(256);
  private bits = 0;

  reset(): void {
    this.words.fill(0, 0, (this.bits >>> 5) + 2);
    this.bits = 0;
  }
  /** @param count 0 to 32 */
  write(value: number, count: number): void {
    const at = this.bits >>> 5;
    if (at + 2 >= this.words.length) this.grow();
    const shift = this.bits & 31;
    const { words } = this;
    words[at]! |= value << shift;
    if (shift + count > 32) words[at + 1] = value >>> (32 - shift);
    this.bits += count;
  }
  /** @param count 0 to 53 */
  writeWide(value: number, count: number): void {
    if (count <= 32) {
      this.write(value >>> 0, count);
      return;
    }
    this.write((value % 4294967296) >>> 0, 32);
    this.write(Math.floor(value / 4294967296), count - 32);
  }
  /** Seven bits a group, the last without the high bit: small numbers of unknown size. */
  writeVarint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.write((rest % 128) | 128, 8);
    this.write(rest, 8);
  }
  writeSignedVarint(value: number): void {
    this.write(value < 0 ? 1 : 0, 1);
    this.writeVarint(Math.abs(value));
  }
  /** What was written, whole bytes. A copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer, 0, (this.bits + 7) >>> 3).slice();
  }
  private grow(): void {
    const words = new Uint32Array(this.words.length * 2);
    words.set(this.words);
    this.words = words;
  }
}

/** Reads what BitWriter wrote. Beyond the end there are zeros: a damaged block gives wrong values or `FormatError`, never foreign memory. */
export class BitReader {
  words = new Uint32Array(256);
  bits = 0;
  /** Bits there are. */
  size = 0;

  /** Bytes [from, to) are copied. */
  open(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const words = (length >>> 2) + 4;
    if (this.words.length < words) this.words = new Uint32Array(words * 2);
    const target = new Uint8Array(this.words.buffer);
    // Short blobs are copied faster here than by a call.
    if (length <= 32) for (let i = 0; i < length; i++) target[i] = bytes[from + i]!;
    else target.set(bytes.subarray(from, to));
    target.fill(0, length, words * 4);
    this.bits = 0;
    this.size = length * 8;
  }
  /** @param count 0 to 32 */
  read(count: number): number {
    const at = this.bits >>> 5;
    const shift = this.bits & 31;
    const word = (this.words[at]! >>> shift) | ((this.words[at + 1]! << 1) << (31 - shift));
    this.bits += count;
    if (this.bits > this.size) throw new FormatError('it ends early');
    return count === 32 ? word >>> 0 : word & ((1 << count) - 1);
  }
  readWide(count: number): number {
    if (count <= 32) return this.read(count);
    const low = this.read(32);
    return this.read(count - 32) * 4294967296 + low;
  }
  readVarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.read(8);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new FormatError('a number is too long');
  }
  readSignedVarint(): number {
    const negative = this.read(1) === 1;
    const value = this.readVarint();
    return negative ? -value : value;
  }
}

/** A block that is not one. */
export class FormatError extends Error {
  constructor(what: string) {
    super(`damaged block of samples: ${what}`);
  }
}

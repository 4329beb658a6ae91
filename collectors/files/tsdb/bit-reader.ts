/** A chunk is cut off, or says what cannot be. */
export class BrokenChunk extends Error {}

/** Bits of a Prometheus chunk, most significant first; tsdb/chunkenc/bstream.go and varbit.go. */
export class BitReader {
  private readonly bytes: Uint8Array;
  /** In bits. */
  private at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  bit(): number {
    const byte = this.bytes[this.at >>> 3];
    if (byte === undefined) throw new BrokenChunk('the chunk is cut off');
    const bit = (byte >>> (7 - (this.at & 7))) & 1;
    this.at++;
    return bit;
  }
  /** @param count up to 64 */
  bits(count: number): bigint {
    let value = 0n;
    let left = count;
    while (left > 0) {
      const byte = this.bytes[this.at >>> 3];
      if (byte === undefined) throw new BrokenChunk('the chunk is cut off');
      const free = 8 - (this.at & 7);
      const take = Math.min(free, left);
      value = (value << BigInt(take)) | BigInt((byte >>> (free - take)) & ((1 << take) - 1));
      this.at += take;
      left -= take;
    }
    return value;
  }
  byte(): number {
    return Number(this.bits(8));
  }
  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new BrokenChunk('a number is longer than 64 bits');
  }
  varint(): bigint {
    const value = this.uvarint();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }
  double(): number {
    return doubleOf(this.bits(64));
  }
  /** Two's complement with the border on the positive side. */
  signed(count: number): bigint {
    const value = this.bits(count);
    return value > 1n << BigInt(count - 1) ? value - (1n << BigInt(count)) : value;
  }
  private varbitSize(): number {
    let ones = 0;
    while (ones < 8 && this.bit() === 1) ones++;
    return VARBIT[ones] as number;
  }
  varbitInt(): bigint {
    const size = this.varbitSize();
    return size === 64 ? BigInt.asIntN(64, this.bits(64)) : size === 0 ? 0n : this.signed(size);
  }
  varbitUint(): bigint {
    const size = this.varbitSize();
    return size === 0 ? 0n : this.bits(size);
  }
}
/** Bits behind so many ones. */
const VARBIT = [0, 3, 6, 9, 12, 18, 25, 56, 64];
const scratch = new DataView(new ArrayBuffer(8));
export function doubleOf(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

/** XOR of doubles with the window of the one before (Gorilla; chunkenc/xor.go). */
export class XorValue {
  private value: bigint;
  private leading = 0;
  private trailing = 0;
  constructor(first: bigint) {
    this.value = first;
  }
  next(reader: BitReader): bigint {
    if (reader.bit() === 0) return this.value;
    if (reader.bit() === 1) {
      this.leading = Number(reader.bits(5));
      const meaningful = Number(reader.bits(6)) || 64;
      this.trailing = 64 - this.leading - meaningful;
      if (this.trailing < 0) throw new BrokenChunk('a value has more than 64 bits');
    }
    const bits = reader.bits(64 - this.leading - this.trailing);
    this.value ^= bits << BigInt(this.trailing);
    return this.value;
  }
}

/**
 * Protobuf written from the end to the beginning: a message's length is known when its tag is written, so nothing is
 * measured twice and nothing is moved.
 */
export class ReverseWriter {
  private buffer: Buffer;
  /** First byte written so far. */
  private at: number;

  /** @param capacity expected size, bytes */
  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(Math.max(256, capacity));
    this.at = this.buffer.length;
  }
  /** Bytes written. */
  get size(): number {
    return this.buffer.length - this.at;
  }
  bytes(): Uint8Array {
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + this.at, this.size);
  }

  private room(length: number): void {
    if (length <= this.at) return;
    const size = this.size;
    const wider = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, size + length + 256));
    this.buffer.copy(wider, wider.length - size, this.at);
    this.at = wider.length - size;
    this.buffer = wider;
  }
  /** @param value 0 .. 2^53 */
  varint(value: number): void {
    this.room(10);
    if (value < 0x80) {
      this.buffer[--this.at] = value;
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
    this.at -= length;
    let rest = value;
    for (let i = 0; i < length - 1; i++, rest = Math.floor(rest / 128)) this.buffer[this.at + i] = (rest % 128) | 0x80;
    this.buffer[this.at + length - 1] = rest;
  }
  /** @param value 64 bits, negative ones as two's complement */
  varint64(value: bigint): void {
    const bits = BigInt.asUintN(64, value);
    if (bits <= 0x1fffffffffffffn) {
      this.varint(Number(bits));
      return;
    }
    const bytes: number[] = [];
    let rest = bits;
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }
  fixed32(value: number): void {
    this.room(4);
    this.at -= 4;
    this.buffer.writeUInt32LE(value, this.at);
  }
  fixed64(value: bigint): void {
    this.room(8);
    this.at -= 8;
    this.buffer.writeBigUInt64LE(BigInt.asUintN(64, value), this.at);
  }
  double(value: number): void {
    this.room(8);
    this.at -= 8;
    this.buffer.writeDoubleLE(value, this.at);
  }
  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.at -= bytes.length;
    this.buffer.set(bytes, this.at);
  }
  /** UTF-8; half a surrogate pair becomes U+FFFD. @returns bytes written */
  text(value: string): number {
    const length = Buffer.byteLength(value, 'utf8');
    this.room(length);
    this.at -= length;
    this.buffer.write(value, this.at, 'utf8');
    return length;
  }
}

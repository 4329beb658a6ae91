/**
 * Protobuf written from its end: a message's length is known when its tag is written, so nothing is copied to be nested.
 * Fields of a message therefore go in last first.
 */
export class ReverseBytes {
  private bytes: Uint8Array;
  private view: DataView;
  private at: number;

  constructor(capacity = 64 * 1024) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.at = capacity;
  }
  /** Bytes written so far; a mark for `close`. */
  get length(): number {
    return this.bytes.length - this.at;
  }
  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(this.at);
  }
  reset(): void {
    this.at = this.bytes.length;
  }
  private room(count: number): void {
    if (this.at >= count) return;
    const { length } = this;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, length + count));
    grown.set(this.bytes.subarray(this.at), grown.length - length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    this.at = grown.length - length;
  }
  byte(value: number): void {
    this.room(1);
    this.bytes[--this.at] = value;
  }
  /** Unsigned, up to 2^53. */
  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
    this.room(size);
    this.at -= size;
    let rest = value;
    for (let i = 0; i < size; i++) {
      this.bytes[this.at + i] = (rest % 128) | (i < size - 1 ? 128 : 0);
      rest = Math.floor(rest / 128);
    }
  }
  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.at -= bytes.length;
    this.bytes.set(bytes, this.at);
  }
  /** Two halves, as they lie in a little-endian word. */
  fixed64(low: number, high: number): void {
    this.room(8);
    this.at -= 8;
    this.view.setUint32(this.at, low, true);
    this.view.setUint32(this.at + 4, high, true);
  }
  /** Makes everything since `mark` a length-delimited field. */
  close(mark: number, tag: number): void {
    this.varint(this.length - mark);
    this.byte(tag);
  }
  /** A string or bytes field. */
  field(tag: number, bytes: Uint8Array): void {
    this.raw(bytes);
    this.varint(bytes.length);
    this.byte(tag);
  }
}

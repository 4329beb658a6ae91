const encoder = new TextEncoder();

/** Growing byte buffer with the protobuf wire primitives. Holds what it is given until `reset`. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }
  reset(): void {
    this.length = 0;
  }
  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
  #room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
  byte(value: number): void {
    this.#room(1);
    this.bytes[this.length++] = value;
  }
  /** Unsigned, up to 2^53. */
  varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest > 127) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
  from(other: ByteWriter): void {
    this.#room(other.length);
    this.bytes.set(other.bytes.subarray(0, other.length), this.length);
    this.length += other.length;
  }
  fixed32(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }
  fixed64(high: number, low: number): void {
    this.#room(8);
    this.#view.setUint32(this.length, low, true);
    this.#view.setUint32(this.length + 4, high, true);
    this.length += 8;
  }
  /** Ids are big-endian on the wire. */
  uint32BigEndian(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.length, value, false);
    this.length += 4;
  }
  double(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }
  /** Length-prefixed text without a tag. */
  text(value: string): void {
    for (let i = 0; i < value.length; i += 1) {
      if (value.charCodeAt(i) > 127) {
        const bytes = encoder.encode(value);
        this.varint(bytes.length);
        this.raw(bytes);
        return;
      }
    }
    this.varint(value.length);
    this.#room(value.length);
    for (let i = 0; i < value.length; i += 1) this.bytes[this.length++] = value.charCodeAt(i);
  }
}

/** The bytes of a stream that are still needed: grows for what is long, moves on for the rest, and never joins chunk by chunk. */
export class ByteWindow {
  private buffer: Buffer = Buffer.allocUnsafe(256 * 1024);
  private from = 0;
  private to = 0;
  /** Bytes of the stream before the window. */
  offset = 0;

  get length(): number {
    return this.to - this.from;
  }
  append(chunk: Uint8Array): void {
    if (this.to + chunk.length > this.buffer.length) {
      const held = this.length;
      const target = held + chunk.length > this.buffer.length / 2 ? Buffer.allocUnsafe((held + chunk.length) * 2) : this.buffer;
      this.buffer.copy(target, 0, this.from, this.to);
      this.buffer = target;
      this.from = 0;
      this.to = held;
    }
    this.buffer.set(chunk, this.to);
    this.to += chunk.length;
  }
  /** Valid until the next append. */
  view(): Buffer {
    return this.buffer.subarray(this.from, this.to);
  }
  drop(bytes: number): void {
    this.from += bytes;
    this.offset += bytes;
  }
}

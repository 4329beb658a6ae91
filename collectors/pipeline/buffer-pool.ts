const SMALLEST_BYTES = 16 * 1024;
const LARGEST_BYTES = 4 * 1024 * 1024;
const CLASSES = 9;

/**
 * Request bodies in memory used again: receiving into fresh buffers costs a third of the rate (facts/storage.md §3), most
 * of it page faults and garbage. Size classes are powers of two; what is larger is never kept.
 */
export class BufferPool {
  private readonly free: Buffer[][] = Array.from({ length: CLASSES }, () => []);
  private readonly maxIdleBytes: number;
  private idle = 0;

  constructor(maxIdleBytes: number) {
    this.maxIdleBytes = maxIdleBytes;
  }
  get idleBytes(): number {
    return this.idle;
  }
  /** What take(bytes) would give: the figure to reserve. */
  sizeFor(bytes: number): number {
    return bytes > LARGEST_BYTES ? bytes : SMALLEST_BYTES << classOf(bytes);
  }
  /** At least `bytes` long, with old content in it. */
  take(bytes: number): Buffer {
    if (bytes > LARGEST_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const index = classOf(bytes);
    const buffer = this.free[index]?.pop();
    if (!buffer) return Buffer.allocUnsafeSlow(SMALLEST_BYTES << index);
    this.idle -= buffer.length;
    return buffer;
  }
  /** Only the very buffer take() gave, and only when nobody reads it any more. */
  give(buffer: Buffer): void {
    if (buffer.length > LARGEST_BYTES || this.idle + buffer.length > this.maxIdleBytes) return;
    this.free[classOf(buffer.length)]?.push(buffer);
    this.idle += buffer.length;
  }
}
const classOf = (bytes: number): number => (bytes <= SMALLEST_BYTES ? 0 : Math.ceil(Math.log2(bytes / SMALLEST_BYTES)));

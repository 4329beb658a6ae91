import type { Bytes } from './file-record.ts';

/** The first chunk looked at, and put back. */
export async function withHead(all: Bytes): Promise<{ readonly head: Uint8Array; readonly content: Bytes }> {
  const chunks = all[Symbol.asyncIterator]();
  const first = await chunks.next();
  async function* content(): AsyncGenerator<Uint8Array> {
    if (first.done) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head: first.done ? new Uint8Array() : Uint8Array.from(first.value.subarray(0, 64 * 1024)), content: content() };
}

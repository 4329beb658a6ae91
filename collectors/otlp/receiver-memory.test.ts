import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { createReceiver } from './receiver.ts';

/** A message of one field nobody knows: valid, without items. */
const message = (bytes: number): Buffer => {
  const body = Buffer.alloc(bytes);
  body.set([0x92, 0x3f, 0, 0, 0, 0]);
  const length = bytes - 6;
  for (let i = 0; i < 4; i++) body[2 + i] = ((length >> (7 * i)) & 0x7f) | (i < 3 ? 0x80 : 0);
  return body;
};
const json = (bytes: number): Buffer => Buffer.from(`{"resourceSpans":[]${' '.repeat(bytes - 20)}}`);
const MAX_BYTES = 4_000_000;

/** @param held by the body itself, and by others */
async function receive(body: Buffer, format: 'protobuf' | 'json', gzip: boolean, held: number): Promise<string> {
  const budget = new MemoryBudget(MAX_BYTES);
  const reservation = budget.reserve(held);
  const limits = limitsSchema.parse({ maxDecompressedBytes: MAX_BYTES, maxInFlightBytes: MAX_BYTES });
  const receiver = createReceiver({ append: async () => 1, limits, retentionSeconds: 0, budget, nowMs: Date.now });
  const account = new SourceAccount('otlp-http', 'otlp-http', Date.now);
  const sent = gzip ? gzipSync(body) : body;
  const answer = await receiver
    .receive({ kind: 'traces', format, encoding: gzip ? 'gzip' : 'identity', body: sent, account })
    .then(() => 'taken')
    .catch((error: { reason: string; sentence: string }) => `${error.reason}: ${error.sentence}`);
  expect(budget.heldBytes).toBe(held);
  reservation?.free();
  return answer;
}
it.each<[string, Buffer, 'protobuf' | 'json', boolean, number, RegExp]>([
  ['JSON that takes five times its size, more than there is: alone it passes', json(900_000), 'json', false, 900_000, /^taken$/],
  ['and in gzip', json(1_900_000), 'json', true, 10_000, /^taken$/],
  ['beside others it is to come again', json(900_000), 'json', false, 2_500_000, /^backpressure: /],
  ['what never fits is refused for good', json(2_100_000), 'json', true, 10_000, /^decompressed_too_large: .*limits\.maxInFlightBytes/],
  ['protobuf in gzip', message(3_900_000), 'protobuf', true, 10_000, /^taken$/],
  ['and beside others', message(3_900_000), 'protobuf', true, 200_000, /^backpressure: /],
  ['that never fits', message(3_995_000), 'protobuf', true, 10_000, /^decompressed_too_large: .*limits\.maxInFlightBytes/],
])('memory of a request: %s', async (_, body, format, gzip, held, says) => {
  expect(await receive(body, format, gzip, held)).toMatch(says);
});

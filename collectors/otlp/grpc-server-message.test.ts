import { describe, expect, it } from 'vitest';
import { BufferPool } from '#collectors/pipeline/buffer-pool.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { timeoutSeconds } from './grpc-server-call.ts';
import { framed, MessageReader } from './grpc-server-message.ts';
import { encodeStatusMessage, statusHeaders } from './grpc-server-status.ts';

const budget = new MemoryBudget(1e6);
const options = { maxBytes: 100_000, pool: new BufferPool(1e6), budget };
const body = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 251));

describe('one message out of chunks', () => {
  it('cut at any two places near its prefix, it is the same message', () => {
    const frame = framed(body.subarray(0, 40));
    for (let first = 0; first <= frame.length; first++)
      for (let second = first; second <= frame.length; second++) {
        const reader = new MessageReader(options);
        for (const chunk of [frame.subarray(0, first), frame.subarray(first, second), frame.subarray(second)])
          expect(reader.add(Buffer.from(chunk))).toBeNull();
        expect(reader.end()).toBeNull();
        expect(reader.bytes.equals(body.subarray(0, 40))).toBe(true);
        reader.free();
      }
    expect(budget.heldBytes).toBe(0);
  });
  it.each([1, 100, 16_384, 65_536])('in chunks of %d bytes', (size) => {
    const frame = framed(body);
    const reader = new MessageReader(options);
    for (let at = 0; at < frame.length; at += size) expect(reader.add(frame.subarray(at, at + size))).toBeNull();
    expect([reader.end(), reader.bytes.equals(body), budget.heldBytes > 0]).toEqual([null, true, true]);
    reader.free();
    reader.free();
    expect(budget.heldBytes).toBe(0);
  });
  it('whole in one chunk, it is not copied', () => {
    const frame = framed(body);
    const reader = new MessageReader(options);
    reader.add(frame);
    expect([reader.bytes.buffer, reader.bytes.byteOffset]).toEqual([frame.buffer, frame.byteOffset + 5]);
    reader.free();
  });
  it('refuses at the prefix, before it holds anything', () => {
    const reader = new MessageReader(options);
    expect(reader.add(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]))?.reason).toBe('body_too_large');
    expect(budget.heldBytes).toBe(0);
  });
  it.each([
    ['nothing', [], 'malformed'],
    ['half a prefix', [0, 0, 0], 'malformed'],
    ['too little', [0, 0, 0, 0, 2, 1], 'malformed'],
  ])('%s is no message at the end', (_, bytes, reason) => {
    const reader = new MessageReader(options);
    if (bytes.length > 0) expect(reader.add(Buffer.from(bytes))).toBeNull();
    expect(reader.end()?.reason).toBe(reason);
    reader.free();
  });
  it.each([
    ['a flag of 3', [3, 0, 0, 0, 0]],
    ['two messages', [0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0]],
  ])('%s is refused at once', (_, bytes) => {
    const reader = new MessageReader(options);
    expect(reader.add(Buffer.from(bytes))?.reason).toBe('malformed');
    reader.free();
    expect(budget.heldBytes).toBe(0);
  });
  it('a second message in a later chunk, also after an empty one', () => {
    const reader = new MessageReader(options);
    expect(reader.add(framed(Buffer.alloc(0)))).toBeNull();
    expect(reader.add(Buffer.from([0]))?.reason).toBe('malformed');
    reader.free();
    expect(budget.heldBytes).toBe(0);
  });
  it('without memory it is told to come back', () => {
    const held = budget.reserve(1e6);
    const small = new MessageReader(options);
    expect(small.add(framed(Buffer.alloc(10)))?.reason).toBe('backpressure');
    const large = new MessageReader(options);
    expect(large.add(framed(body).subarray(0, 50))?.reason).toBe('backpressure');
    small.free();
    large.free();
    held?.free();
    expect(budget.heldBytes).toBe(0);
  });
});

describe('status', () => {
  it.each([
    ['plain words.', 'plain words.'],
    ['50 % of it', '50 %25 of it'],
    ['größer als 1 MB', 'gr%C3%B6%C3%9Fer als 1 MB'],
    ['超过\n限制 😀', '%E8%B6%85%E8%BF%87%0A%E9%99%90%E5%88%B6 %F0%9F%98%80'],
    ['half \ud83d a pair', 'half %EF%BF%BD a pair'],
  ])('message %j', (message, encoded) => {
    expect(encodeStatusMessage(message)).toBe(encoded);
    expect(decodeURIComponent(encoded)).toBe(message.toWellFormed());
  });
  it('headers stay below what clients take (8 KiB), whatever the message', () => {
    const headers = statusHeaders({ code: 3, message: '😀'.repeat(5_000), details: Buffer.alloc(2_048) });
    expect(headers.join('').length).toBeLessThan(8_192);
  });
  it.each([
    ['1H', 3600],
    ['2M', 120],
    ['30S', 30],
    ['250m', 0.25],
    ['99999999n', 0.099999999],
    ['100000000S', Number.POSITIVE_INFINITY],
    ['-1S', Number.POSITIVE_INFINITY],
    ['soon', Number.POSITIVE_INFINITY],
    [undefined, Number.POSITIVE_INFINITY],
  ])('grpc-timeout %j is %d seconds', (header, seconds) => expect(timeoutSeconds(header)).toBeCloseTo(seconds, 9));
});

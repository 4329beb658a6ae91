import { describe, expect, it } from 'vitest';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { MessageFraming } from './message-framing.ts';

function frames(chunks: readonly Buffer[], maxBytes = 50): { messages: string[]; tooLarge: number[]; lost: number; held: number } {
  const messages: string[] = [];
  const tooLarge: number[] = [];
  const framing = new MessageFraming(maxBytes, {
    message: (bytes) => messages.push(bytes.toString('latin1')),
    tooLarge: (bytes) => tooLarge.push(bytes),
  });
  let held = 0;
  for (const chunk of chunks) {
    framing.feed(chunk);
    held = Math.max(held, framing.heldBytes);
  }
  return { messages, tooLarge, lost: framing.end(), held };
}
const whole = (text: string, maxBytes?: number) => frames([Buffer.from(text, 'latin1')], maxBytes);
const long = 'x'.repeat(51);

describe('frames', () => {
  it.each<[string, string, string[], number[]]>([
    ['lines', '<1>a\n<2>b\n', ['<1>a', '<2>b'], []],
    ['the last without a line feed', '<1>a\n<2>b', ['<1>a', '<2>b'], []],
    ['carriage returns, NULs and empty lines', '<1>a\r\n\r\n\0\n<2>b\0\n', ['<1>a', '<2>b'], []],
    ['octet counting', '4 <1>a5 <2>b\n', ['<1>a', '<2>b\n'], []],
    ['both in one stream', '4 <1>a\n<2>b\n4 <3>c', ['<1>a', '<2>b', '<3>c'], []],
    ['a number and a space are a count, also when they are none', '8 was\n<1>a\n', ['was\n<1>a'], []],
    ['a number that is no count', '20x6\n', ['20x6'], []],
    ['a count of ten digits is a line', '1234567890 a\n', ['1234567890 a'], []],
    ['a counted frame over the limit', `51 ${long}4 <1>a`, ['<1>a'], [51]],
    ['a line over the limit', `${long}\n<1>a\n`, ['<1>a'], [51]],
    ['a line at the limit', `${'x'.repeat(50)}\r\n`, ['x'.repeat(50)], []],
  ])('%s', (_, text, messages, tooLarge) => expect(whole(text)).toMatchObject({ messages, tooLarge, lost: 0 }));
  it('half a counted frame is lost, and said so', () => expect(whole('9 <1>a')).toMatchObject({ messages: [], lost: 9 }));
  it('a line without an end holds no more than the limit', () => {
    const { messages, tooLarge, held } = frames(Array(1_000).fill(Buffer.alloc(1_000, 'x')), 65_536);
    expect([messages.length, tooLarge.length]).toEqual([0, 1]);
    expect(held).toBeLessThanOrEqual(65_537);
  });
  it('a count that is never met holds no more than has come', () => {
    expect(frames([Buffer.from('60000 a')], 65_536).held).toBeLessThan(1_000);
  });
  it('however the stream is cut, the messages are the same', () => {
    const sent = Array.from({ length: 200 }, (_, i) => `<${i % 192}>${'m'.repeat(i % 45)}`);
    const stream = Buffer.from(sent.map((each, i) => (i % 3 === 0 ? `${each}\n` : `${each.length} ${each}`)).join(''));
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRng(seed);
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; ) {
        const end = at + 1 + Math.floor(random() * 30);
        chunks.push(stream.subarray(at, end));
        at = end;
      }
      expect(frames(chunks).messages).toEqual(sent);
    }
  });
});

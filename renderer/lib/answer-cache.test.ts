import { expect, it } from 'vitest';
import { AnswerCache } from './answer-cache.ts';
import { readAttributes } from './attributes.ts';
import { colourTokens, SERIES_COLOURS } from './series-colour.ts';

it('forgets the one kept longest ago', () => {
  const cache = new AnswerCache(2);
  cache.keep('a', 1);
  cache.keep('b', 2);
  cache.keep('a', 3);
  cache.keep('c', 4);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([3, undefined, 4]);
});
it('numbers keep the digits they were written with', () =>
  expect(readAttributes('{"a":1.0,"b":12345678901234567890,"c":[1,2.5]}').map((one) => one.value)).toEqual([
    '1.0',
    '12345678901234567890',
    '[1,2.5]',
  ]));
it.each(['', '[]', 'null', '7', '{', '"x"'])('attributes of %j are none', (json) => expect(readAttributes(json)).toEqual([]));
it('attributes are sorted, nested values stay JSON', () =>
  expect(readAttributes('{"b":[1,2],"a":"x"}')).toEqual([
    { key: 'a', value: 'x' },
    { key: 'b', value: '[1,2]' },
  ]));
it('no two names share a colour below the length of the palette', () => {
  const tokens = colourTokens(Array.from({ length: SERIES_COLOURS }, (_, i) => `service-${i}`));
  expect(new Set(tokens.values()).size).toBe(SERIES_COLOURS);
});

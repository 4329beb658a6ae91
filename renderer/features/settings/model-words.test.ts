import { expect, it } from 'vitest';
import { isWholePath, partDone, tokensPerSecond } from './model-words.ts';

it('a part is known once the whole is', () => {
  expect([partDone({ done: 5, total: 0 }), partDone({ done: 5, total: 20 }), partDone({ done: 30, total: 20 })]).toEqual([null, 0.25, 1]);
});
it('a speed needs a time', () => {
  expect([tokensPerSecond(10, 0), tokensPerSecond(10, 500)]).toEqual([null, 20]);
});
it.each([
  ['/models/a.gguf', true],
  [' /models/a.gguf', true],
  ['C:\\models\\a.gguf', true],
  ['\\\\server\\share\\a.gguf', true],
  ['a.gguf', false],
  ['~/a.gguf', false],
  ['', false],
])('%j is a whole path: %s', (path, whole) => {
  expect(isWholePath(path)).toBe(whole);
});

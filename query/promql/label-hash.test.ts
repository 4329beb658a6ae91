import { expect, it } from 'vitest';
import { xxHash64 } from './label-hash.ts';

// The specification's own vectors, and texts on both sides of its 32-byte stripe.
it.each([
  ['', 0xef46db3751d8e999n],
  ['a', 0xd24ec4f1a98c6e5bn],
  ['abc', 0x44bc2cf5ad770999n],
  ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
])('xxHash64 of %j', (text, hash) => {
  expect(xxHash64(Uint8Array.from(text, (c) => c.charCodeAt(0)))).toBe(hash);
});

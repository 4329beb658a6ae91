import type { Labels } from './labels.ts';

/**
 * Prometheus' hash of a series: xxHash64 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) of its labels, each name and value behind its length
 * (model/labels, "stringlabels"). It decides which series `limit_ratio` takes.
 */
const [P1, P2, P3, P4, P5] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n];
const wrapped = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotated = (value: bigint, by: bigint): bigint => wrapped((value << by) | (value >> (64n - by)));
const round = (into: bigint, lane: bigint): bigint => wrapped(rotated(wrapped(into + lane * P2), 31n) * P1);
const merge = (into: bigint, lane: bigint): bigint => wrapped((into ^ round(0n, lane)) * P1 + P4);

/** @param bytes what is hashed, with seed 0 */
export function xxHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { length } = bytes;
  let at = 0;
  let hash = P5;
  if (length >= 32) {
    const lanes = [wrapped(P1 + P2), P2, 0n, wrapped(-P1)];
    for (; at + 32 <= length; at += 32)
      for (let lane = 0; lane < 4; lane++) lanes[lane] = round(lanes[lane] as bigint, view.getBigUint64(at + lane * 8, true));
    hash = wrapped(lanes.reduce((sum, lane, i) => sum + rotated(lane, [1n, 7n, 12n, 18n][i] as bigint), 0n));
    for (const lane of lanes) hash = merge(hash, lane);
  }
  hash = wrapped(hash + BigInt(length));
  for (; at + 8 <= length; at += 8) hash = wrapped(rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4);
  if (at + 4 <= length) {
    hash = wrapped(rotated(hash ^ wrapped(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < length; at++) hash = wrapped(rotated(hash ^ wrapped(BigInt(bytes[at] as number) * P5), 11n) * P1);
  hash = wrapped((hash ^ (hash >> 33n)) * P2);
  hash = wrapped((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}

/** UTF-8 without the platform's encoder, which pure code does not know. */
function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const c of text) {
    const code = c.codePointAt(0) as number;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}
/** Longer ones have three bytes of length behind 255. */
function sized(text: string): number[] {
  const bytes = utf8(text);
  const { length } = bytes;
  return [...(length < 255 ? [length] : [255, length & 255, (length >> 8) & 255, length >> 16]), ...bytes];
}
/** 0 to 1. */
export function hashPlace({ names, values }: Labels): number {
  const bytes = names.flatMap((name, i) => [...sized(name), ...sized(values[i] as string)]);
  return Number(xxHash64(Uint8Array.from(bytes))) / 2 ** 64;
}

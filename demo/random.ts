/** Seeded random numbers; equal seeds give equal sequences on every machine. Not for secrets. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  uint32(): number;
  chance(probability: number): boolean;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  between(from: number, to: number): number;
  normal(): number;
  /** Lognormal by its median and the deviation of its logarithm. */
  lognormal(median: number, sigma: number): number;
  exponential(mean: number): number;
  pick<T>(items: readonly T[]): T;
  /** Index drawn with the given weights, which must sum to 1 (the last index takes rounding). */
  weighted(weights: readonly number[]): number;
}

/** sfc32 (public domain, C. Doty-Humphrey), keyed by FNV-1a of the text. One stream per concern keeps runs comparable. */
export function createRandom(key: string): Random {
  const seed = (salt: number): number => {
    let hash = 0x811c9dc5 ^ salt;
    for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    return hash | 0;
  };
  let a = seed(1);
  let b = seed(2);
  let c = seed(3);
  let d = 1;
  const uint32 = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i += 1) uint32();
  const next = (): number => uint32() / 4294967296;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    next,
    uint32,
    normal,
    chance: (probability) => next() < probability,
    integer: (below) => Math.floor(next() * below),
    between: (from, to) => from + next() * (to - from),
    lognormal: (median, sigma) => median * Math.exp(sigma * normal()),
    exponential: (mean) => -mean * Math.log(1 - next()),
    pick: (items) => items[Math.floor(next() * items.length)]!,
    weighted(weights) {
      let left = next();
      for (let i = 0; i < weights.length - 1; i += 1) {
        left -= weights[i]!;
        if (left < 0) return i;
      }
      return weights.length - 1;
    },
  };
}

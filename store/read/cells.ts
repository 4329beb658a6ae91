/** Small things the readers of a grid share. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export const emptyCells = (buckets: number): Float64Array => new Float64Array(buckets).fill(Number.NaN);

export function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** How many of the first `count` times, which are in order, are not after `ms`: the place of the first one that is. */
export function notAfter(times: ArrayLike<number>, ms: number, count: number = times.length): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

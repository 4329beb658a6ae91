/** Days since 1970-01-01 UTC. */
export type Day = number;
const DAY_NS = 86_400_000_000_000;
const DAY_NS_BIG = 86_400_000_000_000n;
// A double of 2^61 is off by up to 256 ns; nearer to midnight than this the exact value decides.
const DOUBT_NS = 1024;

/** Day of entry i of a nanosecond column, exact, without a BigInt in all but 2 of 86 billion cases. */
export function dayAt(times: BigInt64Array, halves: Int32Array, i: number): Day {
  const approximate = halves[i * 2 + 1]! * 4294967296 + (halves[i * 2]! >>> 0);
  const day = Math.floor(approximate / DAY_NS);
  const within = approximate - day * DAY_NS;
  if (within > DOUBT_NS && within < DAY_NS - DOUBT_NS) return day;
  const time = times[i]!;
  const exact = time / DAY_NS_BIG;
  return Number(time < 0n && exact * DAY_NS_BIG !== time ? exact - 1n : exact);
}
/** "2026-11-21". */
export const dayName = (day: Day): string => new Date(day * 86_400_000).toISOString().slice(0, 10);
/** Day of a name; null when it is not a day. */
export function dayOfName(name: string): Day | null {
  const ms = /^\d{4}-\d\d-\d\d$/.test(name) ? Date.parse(`${name}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) ? null : ms / 86_400_000;
}
export const dayOfMs = (unixMs: number): Day => Math.floor(unixMs / 86_400_000);

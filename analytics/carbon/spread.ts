/** A figure that is not known exactly: low <= mid <= high, in one unit; all equal where nothing had to be assumed. */
export interface Spread {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}
export const NONE: Spread = { low: 0, mid: 0, high: 0 };
export const exactly = (value: number): Spread => ({ low: value, mid: value, high: value });
/** Ends go with ends: errors are taken to agree, so a sum is never narrower than its parts. */
export const add = (a: Spread, b: Spread): Spread => ({ low: a.low + b.low, mid: a.mid + b.mid, high: a.high + b.high });
/** @param by not negative */
export const scale = (a: Spread, by: number): Spread => ({ low: a.low * by, mid: a.mid * by, high: a.high * by });
export const isExact = (a: Spread): boolean => a.low === a.high;
/** Without whatever else the object holds. */
export const spreadOnly = ({ low, mid, high }: Spread): Spread => ({ low, mid, high });

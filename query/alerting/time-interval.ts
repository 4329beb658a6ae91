/** When routes are muted or active: any of these times. */
export interface NamedInterval {
  readonly name: string;
  readonly intervals: readonly TimeInterval[];
}
/** From begin to end, both included; those of days of the month may be negative: from its end. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}
/** A time is within when it is so in each part; a part that says nothing holds always. */
export interface TimeInterval {
  /** Minutes of the day, from 0 to 1440; the end is not included. */
  readonly times: readonly Range[];
  /** 0: Sunday. */
  readonly weekdays: readonly Range[];
  readonly daysOfMonth: readonly Range[];
  /** 1: January. */
  readonly months: readonly Range[];
  readonly years: readonly Range[];
  /** IANA time zone. */
  readonly location: string;
}
interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly minute: number;
}
const MINUTE_MS = 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(location: string): Intl.DateTimeFormat {
  let format = formats.get(location);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: location === 'Local' ? undefined : location,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
    });
    formats.set(location, format);
  }
  return format;
}
/** Whether there is such a time zone here. Offsets, which Intl takes as well, are none. */
export function isLocation(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}
/** What the calendar and the clock on the wall say. */
function civilOf(atMs: number, location: string): Civil {
  if (location === 'UTC') {
    const date = new Date(atMs);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    return { year, month, day, weekday: date.getUTCDay(), minute: date.getUTCHours() * 60 + date.getUTCMinutes() };
  }
  const parts = new Map(
    formatOf(location)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) as number;
  const [year, month, day] = [of('year'), of('month'), of('day')];
  return { year, month, day, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(), minute: of('hour') * 60 + of('minute') };
}
const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** @param atMs Unix milliseconds */
export function isWithin(interval: TimeInterval, atMs: number): boolean {
  const { year, month, day, weekday, minute } = civilOf(Math.floor(atMs / MINUTE_MS) * MINUTE_MS, interval.location);
  const has = (ranges: readonly Range[], value: number): boolean =>
    ranges.length === 0 || ranges.some(({ begin, end }) => value >= begin && value <= end);
  if (interval.times.length > 0 && !interval.times.some(({ begin, end }) => minute >= begin && minute < end)) return false;
  if (!isDayOfMonth(interval.daysOfMonth, day, daysIn(year, month))) return false;
  return has(interval.months, month) && has(interval.weekdays, weekday) && has(interval.years, year);
}
/** Negative days count from the month's end. */
function isDayOfMonth(ranges: readonly Range[], day: number, days: number): boolean {
  const fromStart = (value: number): number => (value < 0 ? days + value + 1 : value);
  return ranges.length === 0 || ranges.some(({ begin, end }) => day >= fromStart(begin) && day <= fromStart(end));
}
export const isWithinAny = ({ intervals }: NamedInterval, atMs: number): boolean => intervals.some((each) => isWithin(each, atMs));

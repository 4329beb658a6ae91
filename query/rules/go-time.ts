import type { TemplateTime } from './go-value.ts';

/** What a clock on the wall says, with Go's names. */
interface Wall {
  readonly year: number;
  /** 1: January. */
  readonly month: number;
  readonly day: number;
  /** 0: Sunday. */
  readonly weekday: number;
  readonly dayOfYear: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanos: bigint;
  /** Seconds east of UTC. */
  readonly offset: number;
  readonly zone: string;
}
const DAY_MS = 86_400_000;
const SECOND = 1_000_000_000n;
const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const formats = new Map<string, Intl.DateTimeFormat>();
/** British English knows the names of more zones than American does. @throws RangeError no such zone */
function zoneFormat(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone, timeZoneName: 'short', hourCycle: 'h23', calendar: 'gregory', numberingSystem: 'latn' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  formats.set(zone, made);
  return made;
}
/** @throws RangeError no such zone */
export function checkZone(zone: string): void {
  if (zone !== 'UTC') zoneFormat(zone);
}
function offsetOf(ms: number, zone: string): { offset: number; name: string } {
  const parts = new Map(
    zoneFormat(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const wall = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  const offset = Math.round((wall - Math.floor(ms / 1000) * 1000) / 1000);
  const name = parts.get('timeZoneName') ?? '';
  return {
    offset,
    name: /^[A-Z]+$/.test(name) ? name : sign(offset) + two(hours(offset)) + (minutes(offset) > 0 ? two(minutes(offset)) : ''),
  };
}
function wallOf({ nanos, zone = 'UTC' }: TemplateTime): Wall {
  const fraction = ((nanos % SECOND) + SECOND) % SECOND;
  const ms = Number((nanos - fraction) / 1_000_000n);
  const { offset, name } = zone === 'UTC' ? { offset: 0, name: 'UTC' } : offsetOf(ms, zone);
  const date = new Date(ms + offset * 1000);
  const year = date.getUTCFullYear();
  return {
    ...{ year, month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay() },
    dayOfYear: Math.floor((Date.UTC(year, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(year, 0, 1)) / DAY_MS) + 1,
    ...{ hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(), nanos: fraction },
    ...{ offset, zone: name },
  };
}
const two = (value: number): string => String(value).padStart(2, '0');
const sign = (offset: number): string => (offset < 0 ? '-' : '+');
const hours = (offset: number): number => Math.floor(Math.abs(offset) / 3600);
const minutes = (offset: number): number => Math.floor(Math.abs(offset) / 60) % 60;
const seconds = (offset: number): number => Math.abs(offset) % 60;
const twelve = ({ hour }: Wall): number => hour % 12 || 12;

type Part = (wall: Wall) => string;
const zoned =
  (separator: string, withMinutes: boolean, withSeconds: boolean): Part =>
  ({ offset }) =>
    sign(offset) +
    two(hours(offset)) +
    (withMinutes ? separator + two(minutes(offset)) : '') +
    (withSeconds ? separator + two(seconds(offset)) : '');
const orZ =
  (part: Part): Part =>
  (wall) =>
    wall.offset === 0 ? 'Z' : part(wall);

/** What stands for what in a layout (Go's package time, "Layout"), longer ones before those they begin with. */
const PARTS: readonly (readonly [text: string, part: Part])[] = [
  ['January', ({ month }) => MONTHS[month - 1] as string],
  ['Jan', ({ month }) => (MONTHS[month - 1] as string).slice(0, 3)],
  ['Monday', ({ weekday }) => WEEKDAYS[weekday] as string],
  ['Mon', ({ weekday }) => (WEEKDAYS[weekday] as string).slice(0, 3)],
  ['MST', ({ zone }) => zone],
  ['002', ({ dayOfYear }) => String(dayOfYear).padStart(3, '0')],
  ['01', ({ month }) => two(month)],
  ['02', ({ day }) => two(day)],
  ['03', (wall) => two(twelve(wall))],
  ['04', ({ minute }) => two(minute)],
  ['05', ({ second }) => two(second)],
  ['06', ({ year }) => two(year % 100)],
  ['15', ({ hour }) => two(hour)],
  ['1', ({ month }) => String(month)],
  ['2006', ({ year }) => String(year).padStart(4, '0')],
  ['2', ({ day }) => String(day)],
  ['__2', ({ dayOfYear }) => String(dayOfYear).padStart(3, ' ')],
  // Not the beginning of _2: an underscore, then the year.
  ['_2006', ({ year }) => `_${String(year).padStart(4, '0')}`],
  ['_2', ({ day }) => String(day).padStart(2, ' ')],
  ['3', (wall) => String(twelve(wall))],
  ['4', ({ minute }) => String(minute)],
  ['5', ({ second }) => String(second)],
  ['PM', ({ hour }) => (hour >= 12 ? 'PM' : 'AM')],
  ['pm', ({ hour }) => (hour >= 12 ? 'pm' : 'am')],
  ['-07:00:00', zoned(':', true, true)],
  ['-070000', zoned('', true, true)],
  ['-07:00', zoned(':', true, false)],
  ['-0700', zoned('', true, false)],
  ['-07', zoned('', false, false)],
  ['Z07:00:00', orZ(zoned(':', true, true))],
  ['Z070000', orZ(zoned('', true, true))],
  ['Z07:00', orZ(zoned(':', true, false))],
  ['Z0700', orZ(zoned('', true, false))],
  ['Z07', orZ(zoned('', false, false))],
];
/** Jan in "January" is the month, in "Janet" nothing. */
const WHOLE_WORDS = new Set(['Jan', 'Mon']);
const FRACTION = /^[.,](0+|9+)(?!\d)/;

function fractionText({ nanos }: Wall, text: string): string {
  const digits = nanos
    .toString()
    .padStart(9, '0')
    .slice(0, text.length - 1);
  const shown = text[1] === '9' ? digits.replace(/0+$/, '') : digits;
  return shown === '' ? '' : (text[0] as string) + shown;
}
/** time.Time.Format. @param layout "2006-01-02 15:04:05 MST" */
export function goTimeText(time: TemplateTime, layout: string): string {
  const wall = wallOf(time);
  let out = '';
  for (let at = 0; at < layout.length; ) {
    const rest = layout.slice(at, at + 12);
    const fraction = FRACTION.exec(layout.slice(at))?.[0];
    const found = PARTS.find(([text]) => rest.startsWith(text) && !(WHOLE_WORDS.has(text) && /^[a-z]/.test(rest.slice(text.length))));
    if (fraction) out += fractionText(wall, fraction);
    else out += found ? found[1](wall) : layout[at];
    at += fraction?.length ?? found?.[0].length ?? 1;
  }
  return out;
}
export const wallClock = (time: TemplateTime): Omit<Wall, 'nanos'> => wallOf(time);
export { MONTHS, WEEKDAYS };

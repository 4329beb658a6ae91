/** Functions of one number at a time, and of the date it is in. */
type Number1 = (value: number, ...more: number[]) => number;
/** A moment of the Gregorian calendar, in UTC. */
interface Civil {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** Days since 1970. */
  readonly days: number;
  readonly secondOfDay: number;
}
/** What Go makes of a number of seconds its integers cannot hold, or that is none. */
const OUT_OF_RANGE = 2 ** 63;
/** Years as far as Go's reach; JavaScript's dates end in 275760. Days to dates: Howard Hinnant, chrono-compatible date algorithms. */
function civilOf(seconds: number): Civil {
  const whole = Math.abs(seconds) < OUT_OF_RANGE ? Math.trunc(seconds) : OUT_OF_RANGE;
  const secondOfDay = ((whole % 86_400) + 86_400) % 86_400;
  const days = Math.round((whole - secondOfDay) / 86_400);
  const sinceMarch = days + 719_468;
  const era = Math.floor(sinceMarch / 146_097);
  const ofEra = sinceMarch - era * 146_097;
  const yearOfEra = Math.floor((ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365);
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day, days, secondOfDay };
}
const date =
  (of: (at: Civil) => number): Number1 =>
  (seconds) =>
    of(civilOf(seconds));
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const daysOf = ({ year, month }: Pick<Civil, 'year' | 'month'>): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
const dayOfYear = ({ year, month, day }: Civil): number => {
  let before = 0;
  for (let each = 1; each < month; each++) before += daysOf({ year, month: each });
  return before + day;
};
/** To the nearest multiple, half up; dividing by the inverse keeps 0.1 what it is. */
const round: Number1 = (value, to = 1) => {
  const inverse = 1 / to;
  return Math.floor(value * inverse + 0.5) / inverse;
};

export const NUMBER_FUNCTIONS: Readonly<Record<string, Number1>> = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg: (value) => (value * 180) / Math.PI,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  rad: (value) => (value * Math.PI) / 180,
  sgn: (value) => (value < 0 ? -1 : value > 0 ? 1 : value),
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
  round,
  clamp_max: (value, most = 0) => (Number.isNaN(most) ? most : Math.min(value, most)),
  clamp_min: (value, least = 0) => (Number.isNaN(least) ? least : Math.max(value, least)),
  clamp: (value, least = 0, most = 0) => Math.max(least, Math.min(most, value)),
};
export const DATE_FUNCTIONS: Readonly<Record<string, Number1>> = {
  day_of_month: date(({ day }) => day),
  // 1970 began on a Thursday.
  day_of_week: date(({ days }) => (((days + 4) % 7) + 7) % 7),
  day_of_year: date(dayOfYear),
  days_in_month: date(daysOf),
  hour: date(({ secondOfDay }) => Math.floor(secondOfDay / 3_600)),
  minute: date(({ secondOfDay }) => Math.floor(secondOfDay / 60) % 60),
  month: date(({ month }) => month),
  year: date(({ year }) => year),
};

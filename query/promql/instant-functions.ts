/** Functions of one number at a time, and of the date it is in. */
type Number1 = (value: number, ...more: number[]) => number;
const date =
  (of: (at: Date) => number): Number1 =>
  (seconds) => {
    const at = new Date(Math.trunc(seconds) * 1000);
    return Number.isNaN(seconds) ? Number.NaN : of(at);
  };
const dayOfYear = (at: Date): number => Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
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
  day_of_month: date((at) => at.getUTCDate()),
  day_of_week: date((at) => at.getUTCDay()),
  day_of_year: date(dayOfYear),
  days_in_month: date((at) => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()),
  hour: date((at) => at.getUTCHours()),
  minute: date((at) => at.getUTCMinutes()),
  month: date((at) => at.getUTCMonth() + 1),
  year: date((at) => at.getUTCFullYear()),
};

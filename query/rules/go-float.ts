/** Decimal digits of a number as Go's strconv has them: exact, ties to even. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}
const bits = new DataView(new ArrayBuffer(8));
/** The number without its sign as an exact fraction. */
function fractionOf(value: number): Fraction {
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0) & 0x7fffffffffffffffn;
  const exponent = Number(raw >> 52n);
  const mantissa = (raw & 0xfffffffffffffn) | (exponent === 0 ? 0n : 1n << 52n);
  const power = (exponent === 0 ? 1 : exponent) - 1075;
  return power >= 0 ? { top: mantissa << BigInt(power), bottom: 1n } : { top: mantissa, bottom: 1n << BigInt(-power) };
}
/** value * 10^places, rounded. */
function scaled(value: number, places: number): bigint {
  const { top, bottom } = fractionOf(value);
  const [over, under] = places >= 0 ? [top * 10n ** BigInt(places), bottom] : [top, bottom * 10n ** BigInt(-places)];
  const whole = over / under;
  const twice = (over % under) * 2n;
  return twice > under || (twice === under && whole % 2n === 1n) ? whole + 1n : whole;
}
const special = (value: number): string | null =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? null : value > 0 ? '+Inf' : '-Inf';
const signOf = (value: number): string => (value < 0 || Object.is(value, -0) ? '-' : '');

function fixed(value: number, precision: number): string {
  const digits = scaled(value, precision)
    .toString()
    .padStart(precision + 1, '0');
  const at = digits.length - precision;
  return precision === 0 ? digits : `${digits.slice(0, at)}.${digits.slice(at)}`;
}
/** Significant digits and the power of ten of the first. */
function significant(value: number, count: number): { readonly digits: string; readonly power: number } {
  if (value === 0) return { digits: '0'.repeat(count), power: 0 };
  const power = Number(/e([+-]\d+)$/.exec(Math.abs(value).toExponential())?.[1]);
  const digits = scaled(value, count - 1 - power).toString();
  // 9.99 rounds up to a digit more.
  return digits.length > count ? { digits: digits.slice(0, count), power: power + 1 } : { digits, power };
}
/** Fewest digits that give the number back. */
function shortest(value: number): { readonly digits: string; readonly power: number } {
  const [, whole = '', fraction = '', power = '0'] = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(Math.abs(value).toExponential()) ?? [];
  return { digits: whole + fraction, power: Number(power) };
}
function exponential({ digits, power }: { readonly digits: string; readonly power: number }, letter: string): string {
  const rest = digits.slice(1);
  const size = Math.abs(power).toString().padStart(2, '0');
  return `${digits.charAt(0)}${rest === '' ? '' : `.${rest}`}${letter}${power < 0 ? '-' : '+'}${size}`;
}
function plain({ digits, power }: { readonly digits: string; readonly power: number }): string {
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  if (digits.length <= power + 1) return digits.padEnd(power + 1, '0');
  return `${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`;
}
/** strconv.FormatFloat(value, verb, precision, 64); -1: as few digits as give it back. */
export function formatFloat(value: number, verb: string, precision: number): string {
  const known = special(value);
  if (known !== null) return known;
  const sign = signOf(value);
  const letter = verb === 'E' || verb === 'G' ? 'E' : 'e';
  switch (verb.toLowerCase()) {
    case 'f':
      return sign + (precision < 0 ? plain(shortest(value)) : fixed(value, precision));
    case 'e':
      return sign + exponential(precision < 0 ? shortest(value) : significant(value, precision + 1), letter);
    default: {
      const found = precision < 0 ? shortest(value) : significant(value, precision === 0 ? 1 : precision);
      const digits = found.digits.replace(/0+$/, '') || '0';
      // Exponents from the precision on; the shortest form takes 6 for it.
      const wanted = precision === 0 ? 1 : precision;
      const limit = precision < 0 ? 6 : wanted > digits.length && digits.length > found.power ? digits.length : wanted;
      const isLong = found.power < -4 || found.power >= limit;
      return sign + (isLong ? exponential({ digits, power: found.power }, letter) : plain({ digits, power: found.power }));
    }
  }
}

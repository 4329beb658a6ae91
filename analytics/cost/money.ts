/**
 * Money as whole numbers of 1e-18 of a currency's unit ("atto"): what DECIMAL(38,18) holds in the store. Sums and splits
 * are exact; rounding happens once, where a rate meets a quantity, and is half away from zero.
 */
export type Atto = bigint;
export const DECIMALS = 18;

/** Decimal text to atto; more than 18 decimals are rounded. Exponents as FOCUS allows them: "35.2E-7". @throws RangeError for what is no number */
export function parseAmount(text: string): Atto {
  const match = /^(-?)(\d*)(?:\.(\d*))?(?:[eE](-?\d{1,3}))?$/.exec(text.trim());
  const [, sign, whole = '', fraction = '', exponent = '0'] = match ?? [];
  if (!match || whole + fraction === '') throw new RangeError(`"${text}" is no amount`);
  const shift = DECIMALS - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  const value = shift >= 0 ? digits * 10n ** BigInt(shift) : divide(digits, 10n ** BigInt(-shift));
  return sign === '-' ? -value : value;
}
/** Shortest decimal text: "12", "-0.5". */
export function formatAmount(atto: Atto, decimals = DECIMALS): string {
  const scale = 10n ** BigInt(DECIMALS - decimals);
  const rounded = divide(atto, scale);
  const size = rounded < 0n ? -rounded : rounded;
  const text = size.toString().padStart(decimals + 1, '0');
  const whole = text.slice(0, text.length - decimals);
  const fraction = text.slice(text.length - decimals).replace(/0+$/, '');
  return `${rounded < 0n ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}`;
}
/** Quotient, rounded half away from zero. @param by above 0 */
export function divide(value: bigint, by: bigint): bigint {
  const half = by / 2n;
  return value < 0n ? -((-value + half) / by) : (value + half) / by;
}
/** A quantity such as core-hours as a whole number of 1e-12: sixty roundings in an hour stay below 1e-11 of a unit. */
export const picoOf = (quantity: number): bigint => BigInt(Math.round(Math.max(0, quantity) * 1e12));
/** Rate times a quantity given in 1e-12. */
export const timesPico = (rate: Atto, quantityPico: bigint): Atto => divide(rate * quantityPico, 1_000_000_000_000n);
export const sumOf = (amounts: Iterable<Atto>): Atto => {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
};

/**
 * Splits an amount by weights so that the parts add up to it exactly (largest remainder; ties go to the earlier part).
 * With no weight above 0 every part is 0: the caller keeps the amount.
 */
export function splitExactly(amount: Atto, weights: readonly bigint[]): Atto[] {
  const sum = sumOf(weights);
  if (sum <= 0n) return weights.map(() => 0n);
  const sign = amount < 0n ? -1n : 1n;
  const size = amount * sign;
  const parts = weights.map((weight) => (size * weight) / sum);
  const order = weights
    .map((weight, i) => ({ i, rest: (size * weight) % sum }))
    .sort((a, b) => (a.rest === b.rest ? a.i - b.i : a.rest > b.rest ? -1 : 1));
  let left = size - sumOf(parts);
  for (const { i } of order) {
    if (left === 0n) break;
    parts[i] = (parts[i] as bigint) + 1n;
    left -= 1n;
  }
  return parts.map((part) => part * sign);
}

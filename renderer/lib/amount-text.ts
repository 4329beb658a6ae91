/** Money and emissions for people. Pure. */
const trim = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));

/** Grams CO2e: "0 g", "42 µg", "812 mg", "3.1 g", "1.24 kg", "2.1 t". */
export function gramsText(grams: number): string {
  const size = Math.abs(grams);
  if (!Number.isFinite(grams)) return '–';
  if (size < 1e-9) return '0 g';
  if (size < 0.001) return `${trim(grams * 1e6, 3)} µg`;
  if (size < 1) return `${trim(grams * 1e3, 3)} mg`;
  if (size < 1_000) return `${trim(grams, 3)} g`;
  return size < 1e6 ? `${trim(grams / 1e3, 3)} kg` : `${trim(grams / 1e6, 3)} t`;
}
/** An amount in its currency: cents from 1 up, below that three digits that matter ("$0.00123"). */
export function moneyText(amount: number | string, currency: string, locale: string): string {
  const value = Number(amount);
  if (!Number.isFinite(value)) return '–';
  const digits =
    value === 0 || Math.abs(value) >= 1 ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumSignificantDigits: 3 };
  try {
    return new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...digits }).format(value);
  } catch {
    // A bill may name what is no currency: the figure is still the figure.
    return `${new Intl.NumberFormat(locale, digits).format(value)} ${currency}`;
  }
}

import { countText } from '../../lib/format.ts';
import { numberOf } from '../promql/prometheus-answer.ts';

/** Value of an alert as the engine prints it, short: "0.25", "12.4 k", "+Inf". Small ones keep their digits. */
export function shownValue(text: string): string {
  if (text === '') return '';
  const value = numberOf(text);
  if (!Number.isFinite(value)) return text;
  return Math.abs(value) < 1_000 ? String(Number(value.toPrecision(4))) : countText(value);
}

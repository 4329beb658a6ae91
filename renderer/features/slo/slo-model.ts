import type { SloState, SloSummary } from '#contracts/slo.ts';

/** Wire to view of the SLO page. Pure. */
export type Tone = 'critical' | 'major' | 'minor' | 'good' | 'plain';
const TONES: Readonly<Record<SloState, Tone>> = { page: 'critical', exhausted: 'major', ticket: 'minor', ok: 'good', unknown: 'plain' };
export const toneOf = (state: SloState): Tone => TONES[state];
const ORDER: readonly SloState[] = ['page', 'exhausted', 'ticket', 'unknown', 'ok'];

/** What needs somebody first; the least budget first among equals. */
export function inOrder(slos: readonly SloSummary[]): SloSummary[] {
  const left = ({ budgetLeft }: SloSummary): number => budgetLeft ?? 2;
  return [...slos].sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || left(a) - left(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
}
/** A percentage with as many digits as tell it from 100 %: 99.95 %, 99.2 %. */
export function goodText(share: number | null): string {
  if (share === null) return '–';
  if (share === 1 || share === 0) return `${share * 100} %`;
  const digits = Math.min(6, Math.max(1, Math.ceil(-Math.log10(Math.min(share, 1 - share)))));
  return `${(share * 100).toFixed(digits)} %`;
}
/** Share of the budget that is left; far below zero it is said as times. */
export function budgetText(left: number | null): string {
  if (left === null) return '–';
  if (left < -99) return '< -9900 %';
  return `${(left * 100).toFixed(Math.abs(left) < 0.1 && left !== 0 ? 1 : 0)} %`;
}
export function burnText(rate: number | null): string {
  if (rate === null) return '–';
  return `${rate >= 100 ? rate.toFixed(0) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2)}×`;
}
/** Width of the bar in percent: none below zero. */
export const barWidth = (left: number | null): number => Math.max(0, Math.min(1, left ?? 0)) * 100;
/** Ends of steps: a value holds for the time before it. */
export const endsOf = (series: { readonly startMs: number; readonly stepMs: number; readonly left: readonly unknown[] }): number[] =>
  series.left.map((_, i) => series.startMs + (i + 1) * series.stepMs);
/** Thresholds offered for latency: round ones at and above what 95 % take now. */
export function thresholdsFor(p95Ms: number): number[] {
  const round = [10, 20, 50, 100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
  const at = round.findIndex((ms) => ms >= p95Ms);
  const from = at < 0 ? round.length - 1 : at;
  return round.slice(Math.max(0, from - 1), from + 4);
}

import type { Anomaly } from '#contracts/judgement.ts';
import { amountText, durationText, percentText, rateText } from '../rca/figures.ts';

/** HH:MM in UTC of a Unix time in milliseconds. */
export const clockText = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);

/** The two figures of an anomaly as a person reads them. `stepMs` turns counts per bucket into rates. */
export function figuresOf(anomaly: Anomaly, stepMs: number): { readonly from: string; readonly to: string } {
  const { subject, value, baseline } = anomaly;
  const text = (figure: number): string => {
    if (subject.signal.endsWith('error_ratio')) return percentText(figure);
    if (subject.signal.endsWith('_ms')) return durationText(figure);
    return subject.signal === 'red.requests' ? rateText((figure * 1000) / stepMs) : amountText(figure, '');
  };
  return { from: text(baseline), to: text(value) };
}

const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  errors: 'errors',
  latency: 'p95',
  traffic_drop: 'traffic',
  traffic_surge: 'traffic',
};

/**
 * The incident in one sentence: "checkout: errors 0.2 % → 31 % at 09:16, since 09:14" (UTC). The figure is of about the minute before
 * "at"; evidence is of the whole trouble and says so, and the two differ.
 */
export function titleOf(symptom: Anomaly, onsetMs: number, stepMs: number): string {
  const { from, to } = figuresOf(symptom, stepMs);
  return `${symptom.subject.service}: ${SIGNAL_WORDS[symptom.kind] ?? symptom.kind} ${from} → ${to} at ${clockText(symptom.untilMs)}, since ${clockText(onsetMs)}`;
}

import type { AlertMatcher, SilenceView } from '#contracts/alerting.ts';
import type { Labels } from './alert-model.ts';

/** A silence on its way: what the dialog holds. Pure. */
export interface SilenceDraft {
  /** '' : a new one. */
  readonly id: string;
  readonly matchers: readonly AlertMatcher[];
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  readonly comment: string;
  /** Labels to choose from: those of the alert it was begun from. */
  readonly labels: Labels;
}
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const PRESETS = [30 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR, 72 * HOUR, 168 * HOUR] as const;
export const DEFAULT_MS = 4 * HOUR;

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;
export type Operator = (typeof OPERATORS)[number];
export const operatorOf = ({ isRegex, isEqual }: Pick<AlertMatcher, 'isRegex' | 'isEqual'>): Operator =>
  isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
export const withOperator = (matcher: AlertMatcher, operator: Operator): AlertMatcher => ({
  ...matcher,
  isRegex: operator.endsWith('~'),
  isEqual: operator.startsWith('='),
});
export const equal = (name: string, value: string): AlertMatcher => ({ name, value, isRegex: false, isEqual: true });
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** As Alertmanager reads it: severity="page". */
export function matcherText(matcher: AlertMatcher): string {
  const name = PLAIN_NAME.test(matcher.name) ? matcher.name : JSON.stringify(matcher.name);
  return `${name}${operatorOf(matcher)}${JSON.stringify(matcher.value)}`;
}

/** For exactly this alert; who wants to hold back more takes labels out. */
export const draftOf = (labels: Labels): SilenceDraft => ({
  ...{ id: '', startsAtMs: null, endsAtMs: null, comment: '', labels },
  // Without labels to begin from: an empty condition to fill in.
  matchers: Object.keys(labels).length === 0 ? [equal('', '')] : Object.entries(labels).map(([name, value]) => equal(name, value)),
});
export const draftFrom = ({ id, matchers, startsAtMs, endsAtMs, comment, state }: SilenceView): SilenceDraft => ({
  ...{ matchers, comment, labels: {} },
  // One that is over is not changed: another is made like it.
  ...(state === 'expired' ? { id: '', startsAtMs: null, endsAtMs: null } : { id, startsAtMs, endsAtMs }),
});
/** A label in or out. */
export function toggled(matchers: readonly AlertMatcher[], name: string, value: string): AlertMatcher[] {
  const others = matchers.filter((matcher) => matcher.name !== name);
  return others.length < matchers.length ? others : [...matchers, equal(name, value)];
}
/** What cannot be saved, before the engine is asked: every condition that holds for nothing at all would hold back all alerts. */
export function matchersProblem(matchers: readonly AlertMatcher[]): 'none' | 'name' | 'all' | null {
  if (matchers.length === 0) return 'none';
  if (matchers.some(({ name }) => name.trim() === '')) return 'name';
  const holdsForNothing = ({ value, isRegex, isEqual }: AlertMatcher): boolean => {
    if (!isRegex) return (value === '') === isEqual;
    const empty = emptyFits(value);
    return empty !== null && empty === isEqual;
  };
  return matchers.every(holdsForNothing) ? 'all' : null;
}
/** Whether the expression fits ''; null where the browser reads it otherwise than the engine. */
function emptyFits(pattern: string): boolean | null {
  try {
    return new RegExp(`^(?:${pattern})$`, 's').test('');
  } catch {
    return null;
  }
}
/** Of the alerts there are, those the engine says it would hold back. */
export const previewPath = (matchers: readonly AlertMatcher[]): string =>
  `/api/v2/alerts?${new URLSearchParams(matchers.map((matcher) => ['filter', matcherText(matcher)]))}`;

/** "2026-11-22 09:14", in the zone the console shows. */
export function fieldTime(ms: number, zone: 'utc' | 'local'): string {
  const date = new Date(zone === 'utc' ? ms : ms - new Date(ms).getTimezoneOffset() * MINUTE);
  return date.toISOString().slice(0, 16).replace('T', ' ');
}
/** null: it is no time. */
export function fieldMs(text: string, zone: 'utc' | 'local'): number | null {
  const [, day, clock] = /^\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)\s*$/.exec(text) ?? [];
  const ms = Date.parse(`${day}T${clock}${zone === 'utc' ? 'Z' : ''}`);
  return Number.isFinite(ms) ? ms : null;
}

export const SILENCE_STATES = ['active', 'pending', 'expired'] as const;
/** What ends or begins first stands first; of expired ones what ended last. */
export const sortSilences = (silences: readonly SilenceView[], state: SilenceView['state']): SilenceView[] =>
  silences.toSorted((a, b) =>
    state === 'expired' ? b.endsAtMs - a.endsAtMs : state === 'pending' ? a.startsAtMs - b.startsAtMs : a.endsAtMs - b.endsAtMs,
  );
export function filterSilences(silences: readonly SilenceView[], text: string): SilenceView[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return silences.filter(({ id, matchers, comment, createdBy }) => {
    const all = [id, comment, createdBy, ...matchers.map(matcherText)].join('\n').toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

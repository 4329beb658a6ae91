import type { DestinationStatus, DestinationView, ForwardSignal } from '#contracts/forwarding.ts';

/** As in contracts/forwarding.ts, without its schemas. */
export const SIGNALS = ['traces', 'logs', 'metrics'] as const satisfies readonly ForwardSignal[];
export type Tone = 'critical' | 'major' | 'minor' | 'good' | 'accent' | 'plain';
/** Colour of a state: only what needs somebody is coloured as trouble. */
export const STATE_TONES: Readonly<Record<DestinationStatus['state'], Tone>> = {
  starting: 'plain',
  idle: 'good',
  sending: 'good',
  waiting: 'minor',
  paused: 'plain',
  blocked: 'major',
};

export interface LostRow {
  /** A reason code, or "http_400", "unreadable". */
  readonly code: string;
  readonly kind: 'dropped' | 'failed';
  readonly requests: number;
  readonly items: number;
}
/** What a destination did not get, most first. */
export function lostRows({ counters }: Pick<DestinationView, 'counters'>): LostRow[] {
  const rows = (kind: LostRow['kind'], of: DestinationView['counters']['failed']): LostRow[] =>
    Object.entries(of).map(([code, amount]) => ({ code, kind, ...amount }));
  return [...rows('failed', counters.failed), ...rows('dropped', counters.dropped)]
    .filter(({ requests }) => requests > 0)
    .sort((a, b) => b.items - a.items);
}
export const sentItems = ({ counters }: Pick<DestinationView, 'counters'>): number =>
  counters.sent.traces.items + counters.sent.logs.items + counters.sent.metrics.items;

export interface DestinationForm {
  name: string;
  url: string;
  /** One "Name: value" a line; empty: those known stay. */
  headers: string;
  compression: 'gzip' | 'none';
  signals: ForwardSignal[];
  maxQueueMb: string;
  maxAgeHours: string;
  /** Not in the form: what was set elsewhere stays. */
  timeoutMs?: number;
}
export const emptyForm = (): DestinationForm => ({
  name: '',
  url: '',
  headers: '',
  compression: 'gzip',
  signals: ['traces', 'logs', 'metrics'],
  maxQueueMb: '1000',
  maxAgeHours: '24',
});
export const formOf = (view: DestinationView): DestinationForm => ({
  ...emptyForm(),
  name: view.name,
  url: view.url,
  compression: view.compression,
  signals: [...view.signals],
  maxQueueMb: String(view.maxQueueBytes / 1e6),
  maxAgeHours: String(Math.round((view.maxQueueSeconds / 3_600) * 100) / 100),
  timeoutMs: view.timeoutMs,
});
/** Headers by name, undefined when none are written; a number: the line that is none. */
export function parseHeaders(text: string): Record<string, string> | undefined | number {
  const lines = text.split('\n');
  const headers: Record<string, string> = {};
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const at = line.indexOf(':');
    if (at <= 0) return i + 1;
    headers[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return Object.keys(headers).length === 0 ? undefined : headers;
}
/** Body for the API. What is no number is refused there, by the name of its field. */
export function bodyOf(form: DestinationForm, headers: Record<string, string> | undefined): Record<string, unknown> {
  return {
    name: form.name.trim(),
    url: form.url.trim(),
    ...(headers ? { headers } : {}),
    compression: form.compression,
    signals: form.signals,
    maxQueueBytes: Math.round(Number(form.maxQueueMb) * 1e6),
    maxQueueSeconds: Math.round(Number(form.maxAgeHours) * 3_600),
    ...(form.timeoutMs === undefined ? {} : { timeoutMs: form.timeoutMs }),
  };
}

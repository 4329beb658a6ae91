import type { VolumeRow } from '#contracts/volume.ts';
import type { RuleAction, RuleMatch, RulePreview, VolumeRule } from '#contracts/volume-rules.ts';
import type { Level } from './volume-model.ts';

export type Signal = VolumeRule['signal'];
/** Actions there are for a signal, the one offered first in front. */
export const ACTIONS: Readonly<Record<Signal, readonly RuleAction['kind'][]>> = {
  metrics: ['drop', 'aggregate'],
  traces: ['sample', 'drop'],
  logs: ['drop', 'sample', 'aggregate'],
};
export function newAction(kind: RuleAction['kind'], without: readonly string[] = []): RuleAction {
  if (kind === 'drop') return { kind };
  if (kind === 'sample') return { kind, keepOneIn: 10, keepErrors: true };
  return { kind, without: [...without], op: without.length > 0 ? 'sum' : 'last', intervalSeconds: 60 };
}
/** What a row of a breakdown asks for: itself gone or thinned; a label folded away. */
export function draftOf(level: Level, row: Pick<VolumeRow, 'name' | 'sub'>): Pick<VolumeRule, 'signal' | 'match' | 'action'> {
  const { metric, service } = level;
  const within: RuleMatch = { ...(service === '' ? {} : { service }), ...(metric === '' ? {} : { metric }) };
  switch (level.by) {
    case 'label':
      return {
        signal: 'metrics',
        match: Object.keys(within).length === 0 ? { metric: '*' } : within,
        action: newAction('aggregate', [row.name]),
      };
    case 'value':
      return {
        signal: 'metrics',
        match: { ...within, labels: [{ key: level.label, op: '=', value: row.name }] },
        action: newAction('drop'),
      };
    case 'metric-service':
      return { signal: 'metrics', match: { service: row.name }, action: newAction('drop') };
    case 'trace-service':
      return { signal: 'traces', match: { service: row.name }, action: newAction('sample') };
    case 'span':
      return { signal: 'traces', match: { service, span: row.name }, action: newAction('sample') };
    case 'log-service':
      return { signal: 'logs', match: { service: row.name }, action: newAction('sample') };
    case 'pattern':
      return {
        signal: 'logs',
        match: { ...within, pattern: row.name, severity: row.sub as NonNullable<RuleMatch['severity']> },
        action: newAction('drop'),
      };
    default:
      return { signal: 'metrics', match: { ...within, metric: row.name }, action: newAction('drop') };
  }
}
/** Words of a match, as one line: "service=cart pattern=…". */
export function matchText({ labels, ...rest }: RuleMatch): string {
  const plain = Object.entries(rest).filter(([, value]) => value !== undefined);
  return [...plain.map(([key, value]) => `${key}=${value}`), ...(labels ?? []).map(({ key, op, value }) => `${key}${op}${value}`)].join(
    '  ',
  );
}
/** An id nobody has: of the name's letters and digits. */
export function idFor(name: string, taken: readonly string[]): string {
  const base =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 32) || 'rule';
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!taken.includes(id)) return id;
  }
}
/** "key=value, key!=value" and back. */
export const labelsText = (labels: RuleMatch['labels']): string =>
  (labels ?? []).map(({ key, op, value }) => `${key}${op}${value}`).join(', ');
export function labelsOf(text: string): RuleMatch['labels'] {
  const parts = text
    .split(',')
    .map((part) => /^\s*([^=!\s]+)\s*(!?=)\s*(.*?)\s*$/s.exec(part))
    .filter((found) => found !== null);
  return parts.length === 0 ? undefined : parts.map(([, key = '', op, value = '']) => ({ key, op: op === '!=' ? '!=' : '=', value }));
}
/** A match without its empty fields. */
export function cleanMatch(match: RuleMatch): RuleMatch {
  return Object.fromEntries(
    Object.entries(match).filter(([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)),
  );
}
/** Bytes a day at the rate of the window. */
export const savedPerDay = ({ start, end, bytesSaved }: Pick<RulePreview, 'start' | 'end' | 'bytesSaved'>): number =>
  (bytesSaved / Math.max(1, end - start)) * 86_400_000;

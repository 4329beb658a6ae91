import type { FlushAlert } from '#query/alerting/dispatcher.ts';
import { entriesOf, type Labels } from '#query/promql/labels.ts';
import { commonLabels } from './webhook-payload.ts';

/** Alertmanager's default subject: [FIRING:2] HighErr a (critical). What groups comes before the brackets, what all have in common in them. */
export function subjectOf(groupLabels: Labels, alerts: readonly FlushAlert[]): string {
  const firing = alerts.filter(({ status }) => status === 'firing').length;
  const group = entriesOf(groupLabels);
  const own = new Set(group.map(([name]) => name));
  const shared = pairs(Object.entries(commonLabels(alerts)));
  const more =
    shared.length > group.length
      ? ` (${shared
          .filter(([name]) => !own.has(name))
          .map(([, value]) => value)
          .join(' ')})`
      : ' ';
  return `[${firing > 0 ? `FIRING:${firing}` : 'RESOLVED'}] ${pairs(group)
    .map(([, value]) => value)
    .join(' ')}${more}`.trim();
}
/** The alert's name first, as Alertmanager has it, then the others in order. */
function pairs(entries: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const isName = ([name]: readonly [string, string]): boolean => name === 'alertname';
  return [...entries.filter(isName), ...entries.filter((each) => !isName(each)).sort(([a], [b]) => (a < b ? -1 : 1))];
}

import { SYSLOG_LEVELS, severityOfName } from '#collectors/otlp/log-levels.ts';
import type { LogItem } from '#collectors/otlp/log-writer.ts';

/** An entry of systemd's journal as a log record, whatever it was written in (systemd.journal-fields(7)). */
export interface JournalItem extends LogItem {
  readonly body: string;
  readonly attributes: Texts;
  readonly resource: Texts;
}
type Texts = readonly (readonly [string, string])[];
const RESOURCE: readonly (readonly [string, string])[] = [
  ['_HOSTNAME', 'host.name'],
  ['_MACHINE_ID', 'host.id'],
  ['_SYSTEMD_UNIT', 'systemd.unit'],
];
/** Positions in the journal of that machine say nothing here. */
const LEFT = new Set([
  '__CURSOR',
  '__MONOTONIC_TIMESTAMP',
  '__SEQNUM',
  '__SEQNUM_ID',
  '_BOOT_ID',
  'MESSAGE',
  '__REALTIME_TIMESTAMP',
  'PRIORITY',
  ...RESOURCE.map(([field]) => field),
]);

/** @param fields texts by their names, in their order @returns null: __REALTIME_TIMESTAMP is no number of microseconds */
export function journalItem(fields: ReadonlyMap<string, string>): JournalItem | null {
  const micros = fields.get('__REALTIME_TIMESTAMP') ?? '';
  if (!/^\d{1,16}$/.test(micros)) return null;
  const service = fields.get('SYSLOG_IDENTIFIER') || fields.get('_COMM') || 'journal';
  const severityText = SYSLOG_LEVELS[Number(fields.get('PRIORITY') || 'x')] ?? '';
  return {
    timeNs: BigInt(micros) * 1_000n,
    observedNs: 0n,
    severityText,
    severityNumber: severityOfName(severityText),
    body: fields.get('MESSAGE') ?? '',
    attributes: [...fields].filter(([field]) => !LEFT.has(field)),
    traceId: '',
    spanId: '',
    resource: [
      ['service.name', service],
      ...RESOURCE.flatMap(([field, name]): [string, string][] => (fields.has(field) ? [[name, fields.get(field) as string]] : [])),
    ],
  };
}
export const NO_TIME = '__REALTIME_TIMESTAMP must be a number of microseconds';

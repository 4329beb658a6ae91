import { fingerprintOf } from '#query/alerting/alert.ts';
import type { FlushAlert } from '#query/alerting/dispatcher.ts';
import { entriesOf, labelOf } from '#query/promql/labels.ts';

/** What a relay must take at least is 480 bytes, most take 8 KiB (RFC 5424 §6.1); beyond it a line is cut. */
const MAX_BYTES = 8_192;
/** For structured data of those without a number of their own (RFC 5424 §7.2.2 names it in its examples). */
const SD_ID = 'faultline@32473';
const [CRITICAL, ERROR, WARNING, NOTICE, INFO] = [2, 3, 4, 5, 6];
const SEVERITIES: Readonly<Record<string, number>> = {
  ...{ critical: CRITICAL, page: CRITICAL, emergency: CRITICAL, error: ERROR, high: ERROR, major: ERROR },
  ...{ warning: WARNING, warn: WARNING, minor: WARNING, info: INFO, none: INFO, low: INFO },
};
/** Printable ASCII without a space; '-' for nothing. */
const word = (text: string, length: number): string => text.replace(/[^\x21-\x7e]/g, '_').slice(0, length) || '-';
/** Names of parameters have no = ] " either. */
const paramName = (text: string): string => word(text, 32).replace(/[="\]]/g, '_');
const paramValue = (text: string): string => text.replace(/["\\\]]/g, '\\$&').replace(/\p{Cc}+/gu, ' ');

export interface SyslogOrigin {
  readonly facility: number;
  readonly host: string;
  readonly pid: number;
  readonly receiver: string;
}
/** An alert as one line of RFC 5424. */
export function syslogLine({ alert, status }: FlushAlert, { facility, host, pid, receiver }: SyslogOrigin, nowMs: number): Buffer {
  const { labels, annotations, startsAtMs } = alert;
  const severity = status === 'resolved' ? NOTICE : (SEVERITIES[labelOf(labels, 'severity').toLowerCase()] ?? WARNING);
  const name = labelOf(labels, 'alertname') || 'alert';
  const params = [
    ...[['status', status] as const, ['fingerprint', fingerprintOf(labels)] as const, ['receiver', receiver] as const],
    ...[['startsAt', new Date(startsAtMs).toISOString()] as const, ...entriesOf(labels)],
  ];
  const data = `[${SD_ID}${params.map(([key, value]) => ` ${paramName(key)}="${paramValue(value)}"`).join('')}]`;
  const says = annotations.get('summary') ?? annotations.get('description') ?? annotations.get('message') ?? '';
  const text = `${status === 'firing' ? 'FIRING' : 'RESOLVED'} ${name}${says === '' ? '' : `: ${says}`}`.replace(/\p{Cc}+/gu, ' ');
  const head = `<${facility * 8 + severity}>1 ${new Date(nowMs).toISOString()} ${word(host, 255)} faultline ${pid} alert ${data} `;
  return cut(Buffer.from(`${head}\ufeff${text}`), MAX_BYTES);
}
/** Not within a character. */
function cut(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  let end = limit;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

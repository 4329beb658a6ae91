/** Levels and services as senders of logs call them, for the receivers of other protocols. */
export const LEVEL_FIELDS = ['level', 'severity', 'severity_text', 'detected_level', 'lvl'];
/** Syslog's priorities, 0 to 7 (RFC 5424 §6.2.1), by the names of syslog.conf. */
export const SYSLOG_LEVELS = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
/** OTLP SeverityNumber by name: the log data model's appendix B, syslog, Log4j and java.util.logging. */
const SEVERITIES: Readonly<Record<string, number>> = {
  trace: 1,
  trc: 1,
  debug: 5,
  dbg: 5,
  info: 9,
  inf: 9,
  information: 9,
  informational: 9,
  notice: 10,
  warn: 13,
  wrn: 13,
  warning: 13,
  error: 17,
  err: 17,
  eror: 17,
  severe: 17,
  critical: 18,
  crit: 18,
  alert: 19,
  fatal: 21,
  panic: 21,
  emerg: 21,
  emergency: 21,
};
/** @returns 0 for a name no table knows */
export function severityOfName(text: string): number {
  const name = text.toLowerCase();
  return Object.hasOwn(SEVERITIES, name) ? (SEVERITIES[name] as number) : 0;
}
/** The first of `names` that has a text. @param textOf '' = not there */
export function firstOf(textOf: (name: string) => string, names: readonly string[]): string {
  for (const name of names) {
    const value = textOf(name);
    if (value !== '') return value;
  }
  return '';
}
/** A `severity_number` of the sender's, else what its level is called. */
export function severityNumberOf(textOf: (name: string) => string, level: string): number {
  const number = Number(textOf('severity_number'));
  return Number.isInteger(number) && number >= 1 && number <= 24 ? number : severityOfName(level);
}

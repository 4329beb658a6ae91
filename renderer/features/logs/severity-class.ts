/** Severity classes, lowest first; OTLP severity numbers 1-24 fall into them, 0 is unspecified. */
export const SEVERITY_CLASSES = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type SeverityClass = (typeof SEVERITY_CLASSES)[number];

/** Class of an OTLP severity number; unspecified reads as info. */
export function severityClass(severityNumber: number): SeverityClass {
  if (severityNumber >= 21) return 'fatal';
  if (severityNumber >= 17) return 'error';
  if (severityNumber >= 13) return 'warn';
  return severityNumber >= 1 && severityNumber <= 8 ? 'debug' : 'info';
}
const TOKENS: Readonly<Record<SeverityClass, string>> = {
  debug: '--level-debug',
  info: '--level-info',
  warn: '--minor',
  error: '--critical',
  fatal: '--critical',
};
/** Colour token of a class. */
export const classToken = (name: SeverityClass): string => TOKENS[name];

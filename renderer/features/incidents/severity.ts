import type { Severity } from '#contracts/judgement.ts';

/** Colour token of a severity; used for nothing else. */
export const severityToken = (severity: Severity): string => `--${severity}`;

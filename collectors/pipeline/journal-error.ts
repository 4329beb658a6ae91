import type { ReasonCode } from '#contracts/reasons.ts';

/** An append that was not acknowledged, with the reason the sender is told. */
export class JournalError extends Error {
  readonly reason: ReasonCode;
  constructor(reason: ReasonCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'JournalError';
    this.reason = reason;
  }
}
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A failed write or flush as the reason it means; a JournalError stays what it is. */
export function journalErrorOf(cause: unknown): JournalError {
  if (cause instanceof JournalError) return cause;
  const error = cause as NodeJS.ErrnoException;
  const reason = FULL.has(error.code ?? '') ? 'disk_full' : 'journal_failed';
  return new JournalError(reason, `cannot write the journal: ${error.message}`, { cause });
}

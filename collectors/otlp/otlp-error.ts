import type { ReasonCode } from '#contracts/reasons.ts';

/** Why a body as a whole is refused. */
export type BodyReason = Extract<ReasonCode, 'malformed' | 'invalid_utf8' | 'too_deep' | 'decompressed_too_large'>;

/** A body that is not the OTLP message it should be. `message` is a sentence with the place in it. */
export class OtlpError extends Error {
  readonly reason: BodyReason;
  constructor(reason: BodyReason, message: string) {
    // A body of a million bad items makes a million of these; the place is in the message, and a stack costs ten times the rest.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.name = 'OtlpError';
    this.reason = reason;
  }
}

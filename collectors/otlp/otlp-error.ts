import type { ReasonCode } from '#contracts/reasons.ts';

/** Why a body as a whole is refused. */
export type BodyReason = Extract<ReasonCode, 'malformed' | 'invalid_utf8' | 'too_deep' | 'decompressed_too_large'>;

/** A body that is not the OTLP message it should be. `message` is a sentence with the place in it. */
export class OtlpError extends Error {
  readonly reason: BodyReason;
  constructor(reason: BodyReason, message: string) {
    super(message);
    this.name = 'OtlpError';
    this.reason = reason;
  }
}

import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { Refusal, refusalAnswer } from './receiver-refusal.ts';
import { encodeStatus } from './receiver-response.ts';

/** How a call ends that was not accepted. */
export interface CallStatus {
  readonly code: number;
  readonly message: string;
  /** google.rpc.Status; null without. */
  readonly details: Buffer | null;
}
/** Clients refuse header lists over 8 KiB, and percent-encoding makes twelve bytes of one character at worst. */
const MAX_MESSAGE_CHARS = 500;

/**
 * gRPC's "Status-Message": percent-encoded UTF-8, but only what is not printable ASCII, or % itself (PROTOCOL-HTTP2.md).
 * Half a surrogate pair, which has no UTF-8, becomes U+FFFD.
 */
export function encodeStatusMessage(message: string): string {
  return message.toWellFormed().replace(/[^ -$&-~]+/gu, encodeURIComponent);
}

/**
 * Status of a refusal, which it counts. RetryInfo only where the same request can succeed later: without it, senders must
 * not retry. Anything but a Refusal is a bug of ours, and logged.
 */
export function refusedStatus(error: unknown, account: SourceAccount, log: (line: string) => void): CallStatus {
  if (!(error instanceof Refusal)) log(`BUG: OTLP/gRPC call failed: ${(error as Error)?.stack ?? error}`);
  const refusal = error instanceof Refusal ? error : new Refusal('journal_failed', 'The call failed inside');
  const { grpcCode, retrySeconds } = refusalAnswer(refusal.reason);
  account.refuse(refusal.reason, refusal.sentence);
  const details = retrySeconds > 0 ? encodeStatus(grpcCode, refusal.sentence, retrySeconds) : null;
  return { code: grpcCode, message: refusal.sentence, details };
}

/** Headers of an answer that is nothing but its status ("Trailers-Only"), names and values in turns. */
export function statusHeaders({ code, message, details }: CallStatus): string[] {
  const headers = [':status', '200', 'content-type', 'application/grpc+proto', 'grpc-status', String(code)];
  if (message !== '') headers.push('grpc-message', encodeStatusMessage(message.slice(0, MAX_MESSAGE_CHARS)));
  if (details) headers.push('grpc-status-details-bin', details.toString('base64'));
  return headers;
}

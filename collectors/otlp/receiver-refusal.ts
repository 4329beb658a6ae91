import type { ReasonCode } from '#contracts/reasons.ts';
import { REASONS } from '#contracts/reasons.ts';

/** gRPC status codes we answer with: https://grpc.io/docs/guides/status-codes/ */
export const GrpcCode = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** How a refusal is said in each protocol. OTLP specification, "Failures" and "OTLP/HTTP Throttling". */
export interface RefusalAnswer {
  readonly httpStatus: number;
  readonly grpcCode: number;
  /** 0 = the same request will fail again. Else senders may retry, at the earliest after this many seconds. */
  readonly retrySeconds: number;
}

const answer = (httpStatus: number, grpcCode: number, retrySeconds = 0): RefusalAnswer => ({ httpStatus, grpcCode, retrySeconds });
const tooLarge = answer(413, GrpcCode.resourceExhausted);
const unreadable = answer(400, GrpcCode.invalidArgument);
const unavailable = (retrySeconds: number): RefusalAnswer => answer(503, GrpcCode.unavailable, retrySeconds);
const ANSWERS: Partial<Record<ReasonCode, RefusalAnswer>> = {
  body_too_large: tooLarge,
  decompressed_too_large: tooLarge,
  bad_compression: unreadable,
  unsupported_encoding: answer(415, GrpcCode.unimplemented),
  unsupported_content_type: answer(415, GrpcCode.invalidArgument),
  malformed: unreadable,
  invalid_utf8: unreadable,
  too_deep: unreadable,
  wrong_protocol: answer(415, GrpcCode.unimplemented),
  wrong_method: answer(405, GrpcCode.unimplemented),
  unknown_path: answer(404, GrpcCode.unimplemented),
  forbidden_host: answer(403, GrpcCode.permissionDenied),
  forbidden_origin: answer(403, GrpcCode.permissionDenied),
  backpressure: unavailable(1),
  // By gRPC UNAVAILABLE too: not every SDK sends RESOURCE_EXHAUSTED again.
  over_share: answer(429, GrpcCode.unavailable, 1),
  source_rate: answer(429, GrpcCode.unavailable, 5),
  // Not to be sent again: the day may be long. Prometheus, Loki's and Zipkin's senders let go of what gets 400.
  source_bytes: answer(400, GrpcCode.resourceExhausted),
  disk_full: unavailable(30),
  journal_full: unavailable(5),
  journal_failed: unavailable(5),
  shutting_down: unavailable(1),
  http2_flood: answer(429, GrpcCode.resourceExhausted),
  too_slow: answer(408, GrpcCode.unavailable, 1),
};
/** A reason without an entry is our own failure. */
export const refusalAnswer = (reason: ReasonCode): RefusalAnswer => ANSWERS[reason] ?? answer(500, GrpcCode.internal);

/** Thrown on the way in; becomes an answer and a count. */
export class Refusal extends Error {
  readonly reason: ReasonCode;
  private readonly todo: string;
  /** @param todo '' where the detail says it already */
  constructor(reason: ReasonCode, detail = '', todo: string = REASONS[reason].todo) {
    super(detail === '' ? REASONS[reason].says : detail);
    this.name = 'Refusal';
    this.reason = reason;
    this.todo = todo;
  }
  /** What is wrong and what to do, for the sender's log. */
  get sentence(): string {
    const { todo } = this;
    const end = /[.!?]$/.test(this.message) ? this.message : `${this.message}.`;
    return todo === '' ? end : `${end} ${todo}`;
  }
}

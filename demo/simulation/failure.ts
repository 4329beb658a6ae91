import type { ErrorShape } from '../shop/errors.ts';

/** How a request or a call ended when it did not succeed. */
export interface Failure {
  /** error.type of the span that saw it. */
  readonly type: string;
  readonly httpStatus: number;
  /** gRPC status name. */
  readonly rpcStatus: string;
  readonly message: string;
  /** Set where the failing code is the service's own: becomes an exception event. */
  readonly exception: ErrorShape | null;
  /** Worth another attempt: the peer may not have seen the request. */
  readonly retryable: boolean;
}
const failure = (type: string, httpStatus: number, rpcStatus: string, message: string, retryable: boolean): Failure => ({
  type,
  httpStatus,
  rpcStatus,
  message,
  exception: null,
  retryable,
});
export const connectionRefused = (peer: string): Failure =>
  failure('ECONNREFUSED', 0, 'UNAVAILABLE', `connect to ${peer} failed: connection refused`, true);
export const connectionReset = (peer: string): Failure =>
  failure('ECONNRESET', 0, 'UNAVAILABLE', `connection to ${peer} was closed by the peer`, true);
export const timedOut = (peer: string, timeoutMs: number): Failure =>
  failure('timeout', 0, 'DEADLINE_EXCEEDED', `no answer from ${peer} within ${timeoutMs} ms`, true);
export const statementTimeout = (store: string): Failure =>
  failure('57014', 500, 'INTERNAL', `canceling statement due to statement timeout on ${store}`, false);
export const poolTimeout = (store: string, timeoutMs: number, used: number, waiting: number): Failure => ({
  ...failure(
    'PoolTimeoutException',
    503,
    'RESOURCE_EXHAUSTED',
    `connection pool timeout after ${timeoutMs} ms (pool=${store} active=${used} idle=0 waiting=${waiting})`,
    false,
  ),
  exception: {
    type: 'PoolTimeoutException',
    message: `connection pool timeout after ${timeoutMs} ms`,
    stack: `PoolTimeoutException: connection pool timeout after ${timeoutMs} ms\n\tat pool.acquire(${store})`,
  },
});
export const peerStatus = (status: number, peer: string): Failure =>
  failure(String(status), status, 'INTERNAL', `${peer} answered ${status}`, status === 503);
export const ownError = (exception: ErrorShape): Failure => ({
  ...failure(exception.type, 500, 'INTERNAL', exception.message, false),
  exception,
});
/** What a service tells its own caller when something it needs did not answer. */
export function upstream(cause: Failure, front: boolean): Failure {
  const late = cause.rpcStatus === 'DEADLINE_EXCEEDED';
  const status = front ? (late ? 504 : 502) : late ? 504 : cause.rpcStatus === 'UNAVAILABLE' ? 503 : 500;
  return failure(
    String(status),
    status,
    late ? 'DEADLINE_EXCEEDED' : cause.rpcStatus === 'UNAVAILABLE' ? 'UNAVAILABLE' : 'INTERNAL',
    cause.message,
    false,
  );
}

import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { GrpcCode } from './receiver-refusal.ts';

/** grpc.health.v1.HealthCheckResponse { status = 1 } */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
const statusBytes = (status: number): Buffer => Buffer.from([0x08, status]);
const MAX_WATCHERS = 100;

export const HEALTH_PATHS = { check: '/grpc.health.v1.Health/Check', watch: '/grpc.health.v1.Health/Watch' } as const;
type Watcher = ServerWritableStream<Buffer, Buffer>;

/** HealthCheckRequest { service = 1 }; unknown fields may stand around it. @returns null when it is not one */
export function requestedService(body: Buffer): string | null {
  if (body.length === 0) return '';
  if (body[0] !== 0x0a || (body[1] ?? 0x80) >= 0x80 || body.length < 2 + (body[1] as number)) return null;
  return body.toString('utf8', 2, 2 + (body[1] as number));
}

/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export class GrpcHealth {
  private readonly services: ReadonlySet<string>;
  private readonly watchers = new Map<Watcher, boolean>();
  private serving = true;

  constructor(services: readonly string[]) {
    this.services = new Set(['', ...services]);
  }
  readonly check: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const service = requestedService(call.request);
    if (service === null) callback({ code: GrpcCode.invalidArgument, details: 'this is no HealthCheckRequest' });
    else if (!this.services.has(service)) callback({ code: GrpcCode.notFound, details: 'there is no such service here' });
    else callback(null, statusBytes(this.serving ? SERVING : NOT_SERVING));
  };
  readonly watch: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    const service = requestedService(call.request);
    if (service === null || this.watchers.size >= MAX_WATCHERS) {
      const code = service === null ? GrpcCode.invalidArgument : GrpcCode.resourceExhausted;
      call.emit('error', { code, details: service === null ? 'this is no HealthCheckRequest' : 'too many watchers' });
      return;
    }
    const known = this.services.has(service);
    this.watchers.set(call, known);
    const forget = (): void => void this.watchers.delete(call);
    call.on('cancelled', forget);
    call.on('close', forget);
    call.write(statusBytes(known ? (this.serving ? SERVING : NOT_SERVING) : SERVICE_UNKNOWN));
  };
  /** Tells the watchers, and ends their calls so that a shutdown does not wait for them. */
  stop(): void {
    if (!this.serving) return;
    this.serving = false;
    for (const [call, known] of this.watchers) {
      if (known) call.write(statusBytes(NOT_SERVING));
      call.end();
    }
    this.watchers.clear();
  }
}

import { GrpcCode } from './receiver-refusal.ts';

/** grpc.health.v1.HealthCheckResponse { status = 1 } */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
const statusBytes = (status: number): Buffer => Buffer.from([0x08, status]);
const MAX_WATCHERS = 100;

/** One call of Watch, however it is carried. */
export interface HealthWatcher {
  write(message: Buffer): unknown;
  end(): unknown;
}
/** The call ends with this status. */
export interface HealthError {
  readonly code: number;
  readonly details: string;
}
const noRequest: HealthError = { code: GrpcCode.invalidArgument, details: 'this is no HealthCheckRequest' };

/** HealthCheckRequest { service = 1 }; what stands behind it is not read. @returns null when it is not one */
export function requestedService(body: Buffer): string | null {
  if (body.length === 0) return '';
  if (body[0] !== 0x0a || (body[1] ?? 0x80) >= 0x80 || body.length < 2 + (body[1] as number)) return null;
  return body.toString('utf8', 2, 2 + (body[1] as number));
}

/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export class GrpcHealth {
  private readonly services: ReadonlySet<string>;
  private readonly watchers = new Map<HealthWatcher, boolean>();
  private serving = true;

  constructor(services: readonly string[]) {
    this.services = new Set(['', ...services]);
  }
  /** @returns HealthCheckResponse */
  check(body: Buffer): Buffer | HealthError {
    const service = requestedService(body);
    if (service === null) return noRequest;
    if (!this.services.has(service)) return { code: GrpcCode.notFound, details: 'there is no such service here' };
    return statusBytes(this.serving ? SERVING : NOT_SERVING);
  }
  /** Writes what is the case now, and again when it changes. @returns null, or why not */
  watch(body: Buffer, watcher: HealthWatcher): HealthError | null {
    const service = requestedService(body);
    if (service === null) return noRequest;
    if (this.watchers.size >= MAX_WATCHERS) return { code: GrpcCode.resourceExhausted, details: 'too many watchers' };
    const known = this.services.has(service);
    this.watchers.set(watcher, known);
    watcher.write(statusBytes(known ? (this.serving ? SERVING : NOT_SERVING) : SERVICE_UNKNOWN));
    return null;
  }
  /** The call of this watcher is over. */
  forget(watcher: HealthWatcher): void {
    this.watchers.delete(watcher);
  }
  /** Tells the watchers, and ends their calls so that a shutdown does not wait for them. */
  stop(): void {
    if (!this.serving) return;
    this.serving = false;
    for (const [watcher, known] of this.watchers) {
      if (known) watcher.write(statusBytes(NOT_SERVING));
      watcher.end();
    }
    this.watchers.clear();
  }
}

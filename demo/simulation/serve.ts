import type { SpanId, SpanLink } from '../otlp-writer.ts';
import { MEMORY_ERRORS, pickError } from '../shop/errors.ts';
import { failureLine, successLine } from '../shop/messages.ts';
import type { OperationSpec } from '../shop/operations.ts';
import { type Failure, ownError, upstream } from './failure.ts';
import type { Instance, Release, ServerCall } from './instance.ts';
import { logIn, measure, recordServerSpan, statusOf } from './record.ts';
import { type Frame, pathOf, type Request } from './request.ts';
import type { World } from './world.ts';

export const NETWORK_MS = 0.25;
const WARM_AFTER_MS = 20_000;
/** A virtual machine compiles as it goes: the first seconds after its start are slower. */
function coldness(instance: Instance, nowMs: number): number {
  if (instance.spec.language !== 'java') return 1;
  const servingMs = nowMs - instance.servingSinceMs;
  return servingMs >= WARM_AFTER_MS ? 1 : 1 + 0.8 * (1 - servingMs / WARM_AFTER_MS);
}
/** CPU work on an instance: slower on a busy host, standing still while the runtime collects garbage. */
export function* work(world: World, instance: Instance, ms: number): Generator<number, void, void> {
  const { loop } = world;
  if (instance.pausedUntilMs > loop.nowMs) yield instance.pausedUntilMs;
  const host = world.host(instance);
  instance.useCpu(ms * instance.spec.cpuShare);
  const queueMs = host.runQueueMs > 0 ? world.random.exponential(host.runQueueMs) : 0;
  yield loop.nowMs + ms * host.slowdown * coldness(instance, loop.nowMs) + queueMs;
  if (instance.pausedUntilMs > loop.nowMs) yield instance.pausedUntilMs;
}
/** Runs the steps of an operation; injected so that serving and calling need not import each other. */
export type StepRunner = (world: World, frame: Frame) => Generator<number, Failure | null, void>;

const touches = (release: Release, operation: OperationSpec): boolean =>
  release.operations === null || release.operations.includes(operation.name);
/** Runtimes that survive a failed allocation answer with an error; the others pause until they are killed. */
function outOfMemory(world: World, instance: Instance): Failure | null {
  const shape = MEMORY_ERRORS[instance.spec.language];
  const chance = (instance.memoryPressure - 0.75) * 0.5;
  return shape && chance > 0 && world.random.chance(chance) ? ownError(shape) : null;
}
function ownFailure(world: World, frame: Frame): Failure | null {
  const { random, conditions } = world;
  const { instance, operation, request } = frame;
  const { release } = instance;
  if (release.error && touches(release, operation) && random.chance(release.errorChance)) return ownError(release.error);
  const exhausted = outOfMemory(world, instance);
  if (exhausted) return exhausted;
  const tenant = conditions.tenantError;
  if (tenant && tenant.service === operation.service && tenant.tenant === request.tenant && random.chance(tenant.chance))
    return ownError(tenant.error);
  if (random.chance(operation.errorChance)) return ownError(pickError(random, instance.spec.language, operation.service, 'base'));
  return null;
}
function* perform(world: World, frame: Frame, steps: StepRunner): Generator<number, Failure | null, void> {
  const { random } = world;
  const { instance, operation } = frame;
  const { release } = instance;
  const selfMs = random.lognormal(operation.selfMs, 0.4);
  // A release that is slower mostly waits (locks, synchronous look-ups); it does not burn the host's CPU.
  if (release.addedMs > 0 && touches(release, operation)) {
    const addedMs = random.lognormal(release.addedMs, 0.5);
    instance.useCpu(addedMs * 0.06);
    yield world.loop.nowMs + addedMs;
  }
  yield* work(world, instance, selfMs * 0.6);
  const failure = ownFailure(world, frame);
  if (failure) return failure;
  const cause = yield* steps(world, frame);
  if (cause) return cause.exception ? cause : upstream(cause, operation.service === 'storefront');
  yield* work(world, instance, selfMs * 0.4);
  return null;
}
function finish(world: World, frame: Frame, startMs: number, parent: SpanId | null, link: SpanLink | null, failure: Failure | null): void {
  const { operation, request, instance } = frame;
  recordServerSpan(world, frame, startMs, parent, link, failure);
  if (operation.protocol === 'job') return;
  measure(world, frame, startMs, failure);
  if (failure) logIn(world, frame, failureLine(operation.name, failure.message, failure.exception));
  const status = statusOf(frame, failure);
  if (failure && operation.service !== 'storefront') return;
  const line = successLine(
    {
      service: instance.spec.name,
      operation: operation.name,
      path: pathOf(operation.route, request),
      status: typeof status === 'number' ? status : 200,
      durationMs: world.loop.nowMs - startMs,
      tenant: request.tenant,
      orderId: request.orderId,
      customerId: request.customerId,
      productId: request.productId,
      items: request.items,
    },
    world.random,
  );
  if (line) logIn(world, frame, line);
}
/** One request at one instance, from its arrival to the answer. The caller waits on `call`. */
export function* serve(
  world: World,
  instance: Instance,
  operation: OperationSpec,
  request: Request,
  parent: SpanId | null,
  link: SpanLink | null,
  call: ServerCall,
  steps: StepRunner,
): Generator<number, void, void> {
  const { loop } = world;
  if (!instance.up) {
    // Died while the request was on the wire.
    call.dead = true;
    if (call.waiter) loop.wake(call.waiter, loop.nowMs);
    return;
  }
  instance.calls.add(call);
  const { workers } = instance;
  const frame: Frame = { instance, operation, request, spanId: world.newSpanId(), call };
  let failure: Failure | null = null;
  if (!(yield* workers.acquire(30_000)))
    failure = ownError({ type: 'RejectedExecutionException', message: 'request queue timed out', stack: '' });
  const startMs = loop.nowMs;
  if (!failure) {
    failure = yield* perform(world, frame, steps);
    workers.release();
  }
  if (call.dead) return;
  instance.calls.delete(call);
  finish(world, frame, startMs, parent, link, failure);
  call.done = true;
  call.failure = failure;
  if (call.waiter) loop.wake(call.waiter, loop.nowMs + world.random.lognormal(NETWORK_MS, 0.3));
}

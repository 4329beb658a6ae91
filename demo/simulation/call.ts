import type { SpanId } from '../otlp-writer.ts';
import { degradedLine, retryLine, slowQueryLine } from '../shop/messages.ts';
import type { OperationSpec, Step } from '../shop/operations.ts';
import { connectionRefused, connectionReset, type Failure, peerStatus, poolTimeout, statementTimeout, timedOut } from './failure.ts';
import { dependencyOf, type Instance, type ServerCall } from './instance.ts';
import { logIn, recordCallSpan, recordClientSpan } from './record.ts';
import { constantAttributes, type Frame } from './request.ts';
import { NETWORK_MS, serve, work } from './serve.ts';
import type { World } from './world.ts';

const POOL_TIMEOUT_MS = 3000;
type Outcome = Generator<number, Failure | null, void>;
type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;
export const newCall = (waiter: ServerCall['waiter']): ServerCall => ({ done: false, dead: false, waiter, failure: null });

/** An instance as the load balancer sees it: those listed, dead or not. */
export function pickInstance(world: World, service: string): Instance | null {
  const listed = (world.instances.get(service) ?? []).filter((instance) => !instance.draining);
  return listed.length > 0 ? world.random.pick(listed) : null;
}
/** What the caller sees of a call it has stopped waiting for. */
function outcomeOf(call: ServerCall, step: StepOf<'call'>, target: OperationSpec): Failure | null {
  if (call.dead) return connectionReset(step.service);
  if (!call.done) return timedOut(step.service, step.timeoutMs);
  const { failure } = call;
  if (!failure) return null;
  if (target.protocol === 'http') return { ...peerStatus(failure.httpStatus || 500, step.service), rpcStatus: failure.rpcStatus };
  return { ...failure, exception: null, retryable: failure.rpcStatus === 'UNAVAILABLE' };
}
function* attempt(world: World, frame: Frame, step: StepOf<'call'>, number: number): Outcome {
  const { loop, random } = world;
  const startMs = loop.nowMs;
  const spanId = world.newSpanId();
  const target = world.operation(step.service, step.operation);
  const instance = pickInstance(world, step.service);
  let failure: Failure | null;
  if (!instance?.up) {
    yield startMs + random.lognormal(1, 0.4);
    failure = connectionRefused(step.service);
  } else {
    const call = newCall(loop.current);
    loop.start(serve(world, instance, target, frame.request, spanId, null, call, runSteps), startMs + random.lognormal(NETWORK_MS, 0.3));
    yield startMs + step.timeoutMs;
    call.waiter = null;
    failure = outcomeOf(call, step, target);
  }
  recordCallSpan(world, frame, target, spanId, startMs, number, failure);
  return failure;
}
function* callService(world: World, frame: Frame, step: StepOf<'call'>): Outcome {
  let failure: Failure | null = null;
  for (let number = 0; number <= step.retries; number += 1) {
    if (number > 0) {
      logIn(world, frame, retryLine(step.service, number, failure?.message ?? ''));
      yield world.loop.nowMs + world.random.between(20, 60);
    }
    failure = yield* attempt(world, frame, step, number);
    if (!failure?.retryable) break;
  }
  if (failure && step.optional) {
    logIn(world, frame, degradedLine(step.service, failure.message));
    return null;
  }
  return failure;
}
function slowed(world: World, name: string, ms: number, sigma: number): number {
  return world.random.lognormal(ms, sigma) * (world.conditions.slowDependency.get(name) ?? 1);
}
/** Gives the connection back, or late where the code path forgot it for a while. */
function giveBack(world: World, frame: Frame, store: string, release: () => void): void {
  const held = world.conditions.heldConnections;
  const late =
    held &&
    held.service === frame.instance.spec.name &&
    held.store === store &&
    (held.instance === null || held.instance === frame.instance.id);
  if (late && world.random.chance(held.chance)) world.loop.at(world.loop.nowMs + held.holdMs * world.random.between(0.6, 1.4), release);
  else release();
}
function* query(world: World, frame: Frame, step: StepOf<'query'>): Outcome {
  const { loop } = world;
  const pool = frame.instance.peerPool(step.store);
  if (pool && !(yield* pool.acquire(POOL_TIMEOUT_MS))) return poolTimeout(step.store, POOL_TIMEOUT_MS, pool.used, pool.pending + 1);
  const store = dependencyOf(step.store);
  const startMs = loop.nowMs;
  const spanId = world.newSpanId();
  const latencyMs = slowed(world, step.store, step.ms, step.sigma);
  let failure: Failure | null = null;
  yield startMs + Math.min(latencyMs, store.timeoutMs) + NETWORK_MS;
  if (latencyMs > store.timeoutMs) failure = store.kind === 'cache' ? timedOut(step.store, store.timeoutMs) : statementTimeout(step.store);
  if (pool) giveBack(world, frame, step.store, () => pool.release(loop.nowMs - startMs));
  const summary = step.target ? `${step.verb} ${step.target}` : step.verb;
  const constant = constantAttributes(`query ${step.store} ${summary} ${step.text}`, () => ({
    'db.system.name': store.system,
    'db.namespace': store.namespace,
    'db.operation.name': step.verb,
    ...(step.target ? { 'db.collection.name': step.target } : {}),
    'db.query.summary': summary,
    'db.query.text': step.text,
    'server.address': store.name,
    'server.port': store.port,
  }));
  recordClientSpan(world, frame, { scope: 2, kind: 3, name: summary, spanId, startMs, constant, changing: [], failure });
  if (latencyMs > 800) logIn(world, frame, slowQueryLine(step.store, step.verb, step.target, Math.min(latencyMs, store.timeoutMs)));
  return failure;
}
function* external(world: World, frame: Frame, step: StepOf<'external'>): Outcome {
  const { loop, random } = world;
  const peer = dependencyOf(step.peer);
  let failure: Failure | null = null;
  for (let number = 0; number <= step.retries; number += 1) {
    const startMs = loop.nowMs;
    const spanId = world.newSpanId();
    const latencyMs = slowed(world, step.peer, step.ms, 0.32);
    yield startMs + Math.min(latencyMs, peer.timeoutMs);
    const failing = random.chance(world.conditions.failingDependency.get(step.peer) ?? 0.002);
    failure = latencyMs > peer.timeoutMs ? timedOut(step.peer, peer.timeoutMs) : failing ? peerStatus(503, step.peer) : null;
    const status = failure ? failure.httpStatus : 200;
    const constant = constantAttributes(`external ${step.peer} ${step.method} ${step.path}`, () => ({
      'http.request.method': step.method,
      'url.full': `https://${step.peer}${step.path}`,
      'server.address': step.peer,
      'server.port': peer.port,
      'network.protocol.version': '2',
    }));
    recordClientSpan(world, frame, {
      scope: 1,
      kind: 3,
      name: step.method,
      spanId,
      startMs,
      constant,
      changing: status > 0 ? [['http.response.status_code', status]] : [],
      failure,
    });
    if (!failure?.retryable) break;
    if (number < step.retries) logIn(world, frame, retryLine(step.peer, number + 1, failure.message));
  }
  if (failure && step.optional) {
    logIn(world, frame, degradedLine(step.peer, failure.message));
    return null;
  }
  return failure;
}
function deliver(world: World, frame: Frame, topic: string, link: { spanId: SpanId }): void {
  for (const group of ['fulfilment', 'notifications']) {
    const instance = pickInstance(world, group);
    if (!instance) continue;
    instance.consumerLag += 1;
    const joined = group === 'notifications';
    const request = joined ? frame.request : { ...frame.request, traceId: world.newTraceId() };
    const call = newCall(null);
    const consume = serve(
      world,
      instance,
      world.operation(group, `process ${topic}`),
      request,
      joined ? link.spanId : null,
      { traceId: frame.request.traceId, spanId: link.spanId },
      call,
      runSteps,
    );
    world.loop.start(
      (function* () {
        yield* consume;
        instance.consumerLag -= 1;
      })(),
      world.loop.nowMs + world.random.lognormal(60, 0.7),
    );
  }
}
function* publish(world: World, frame: Frame, step: StepOf<'publish'>): Outcome {
  const startMs = world.loop.nowMs;
  const spanId = world.newSpanId();
  yield startMs + slowed(world, 'kafka', 2.4, 0.4);
  const constant = constantAttributes(`publish ${step.topic}`, () => ({
    'messaging.system': 'kafka',
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'send',
    'messaging.destination.name': step.topic,
    'server.address': 'kafka',
    'server.port': 9092,
  }));
  const partition = Number.parseInt(frame.request.orderId, 36) % 6;
  recordClientSpan(world, frame, {
    scope: 2,
    kind: 4,
    name: `send ${step.topic}`,
    spanId,
    startMs,
    constant,
    changing: [['messaging.destination.partition.id', String(partition)]],
    failure: null,
  });
  deliver(world, frame, step.topic, { spanId });
  return null;
}
function* together(world: World, frame: Frame, steps: readonly Step[]): Outcome {
  const { loop } = world;
  const parent = loop.current;
  let left = steps.length;
  let failure: Failure | null = null;
  for (const step of steps) {
    loop.start(
      (function* () {
        const outcome = yield* runStep(world, frame, step);
        failure = failure ?? outcome;
        left -= 1;
        if (left === 0) loop.wake(parent, loop.nowMs);
      })(),
      loop.nowMs,
    );
  }
  yield Number.POSITIVE_INFINITY;
  return failure;
}
function* runStep(world: World, frame: Frame, step: Step): Outcome {
  if ('chance' in step && step.chance < 1 && !world.random.chance(step.chance)) return null;
  if (step.kind === 'call') return yield* callService(world, frame, step);
  if (step.kind === 'query') return yield* query(world, frame, step);
  if (step.kind === 'external') return yield* external(world, frame, step);
  if (step.kind === 'publish') return yield* publish(world, frame, step);
  if (step.kind === 'together') return yield* together(world, frame, step.steps);
  yield* work(world, frame.instance, step.ms);
  return null;
}
/** The steps of the frame's operation in order; ends with the first that fails. */
export function* runSteps(world: World, frame: Frame): Outcome {
  for (const step of frame.operation.steps) {
    const failure = yield* runStep(world, frame, step);
    if (failure || frame.call.dead) return failure;
  }
  return null;
}

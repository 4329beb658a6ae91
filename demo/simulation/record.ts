import type { AttributeValue, SpanId, SpanLink, TraceId } from '../otlp-writer.ts';
import { type LogLine, SEVERITY_NUMBERS } from '../shop/messages.ts';
import type { Failure } from './failure.ts';
import type { Instance } from './instance.ts';
import { baggageAttributes, constantAttributes, type Frame, pathOf } from './request.ts';
import type { World } from './world.ts';

type Changing = (readonly [string, AttributeValue])[];
const SERVER = 2;
const CLIENT = 3;
const CONSUMER = 5;

export function log(world: World, instance: Instance, line: LogLine, trace: { traceId: TraceId; spanId: SpanId } | null): void {
  instance.recordLog({
    timeMs: world.loop.nowMs,
    severityNumber: SEVERITY_NUMBERS[line.severity],
    severityText: line.severity,
    body: line.body,
    traceId: trace?.traceId ?? null,
    spanId: trace?.spanId ?? null,
    eventName: '',
    attributes: Object.entries(line.attributes),
  });
  world.counts.logs += 1;
}
/** A log line of a request; a process that died meanwhile writes nothing. */
export function logIn(world: World, frame: Frame, line: LogLine): void {
  if (!frame.call.dead) log(world, frame.instance, line, { traceId: frame.request.traceId, spanId: frame.spanId });
}

function serverAttributes(frame: Frame): Uint8Array {
  const { operation, instance } = frame;
  return constantAttributes(`server ${operation.service} ${operation.name}`, () => {
    if (operation.protocol === 'grpc')
      return { 'rpc.system.name': 'grpc', 'rpc.method': operation.method, 'server.address': operation.service, 'server.port': 9090 };
    if (operation.protocol === 'consumer')
      return {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'process',
        'messaging.destination.name': operation.route,
        'messaging.consumer.group.name': instance.spec.consumes ?? '',
        'server.address': 'kafka',
        'server.port': 9092,
      };
    if (operation.protocol === 'job') return { 'job.name': operation.name };
    return {
      'http.request.method': operation.method,
      'http.route': operation.route,
      'url.scheme': 'http',
      'server.address': operation.service,
      'server.port': 8080,
      'network.protocol.version': '1.1',
    };
  });
}
/** The status as the metric and the span show it. */
export function statusOf(frame: Frame, failure: Failure | null): number | string {
  if (frame.operation.protocol === 'http') return failure ? failure.httpStatus || 500 : 200;
  return failure ? failure.rpcStatus : 'OK';
}
/** Ends a server, consumer or job span. */
export function recordServerSpan(
  world: World,
  frame: Frame,
  startMs: number,
  parent: SpanId | null,
  link: SpanLink | null,
  failure: Failure | null,
): void {
  const { operation, instance, request } = frame;
  const changing: Changing = [];
  if (operation.protocol === 'http') {
    changing.push(['url.path', pathOf(operation.route, request)], ['http.response.status_code', statusOf(frame, failure)]);
    if (parent === null) changing.push(['user_agent.original', request.userAgent], ['user.id', `c-${request.customerId}`]);
  } else if (operation.protocol === 'grpc') changing.push(['rpc.response.status_code', statusOf(frame, failure)]);
  if (operation.name === 'POST /orders' || operation.protocol === 'consumer') changing.push(['order.id', request.orderId]);
  if (failure) changing.push(['error.type', failure.type]);
  instance.recordSpan(0, {
    traceId: request.traceId,
    spanId: frame.spanId,
    parent,
    parentIsRemote: parent !== null,
    name: operation.name,
    kind: operation.protocol === 'consumer' ? CONSUMER : operation.protocol === 'job' ? 1 : SERVER,
    startMs,
    endMs: world.loop.nowMs,
    encoded: operation.protocol === 'job' ? [serverAttributes(frame)] : [serverAttributes(frame), baggageAttributes(request)],
    changing,
    error: failure ? failure.message : null,
    exception: failure?.exception ? { timeMs: world.loop.nowMs - 0.02, ...failure.exception } : null,
    link,
  });
  world.counts.spans += 1;
}
export interface ClientSpan {
  readonly scope: 1 | 2;
  readonly kind: 3 | 4;
  readonly name: string;
  readonly spanId: SpanId;
  readonly startMs: number;
  readonly constant: Uint8Array;
  readonly changing: Changing;
  readonly failure: Failure | null;
}
/** Ends a client or producer span under the frame's span. */
export function recordClientSpan(world: World, frame: Frame, span: ClientSpan): void {
  if (frame.call.dead) return;
  const { failure } = span;
  if (failure) span.changing.push(['error.type', failure.type]);
  frame.instance.recordSpan(span.scope, {
    traceId: frame.request.traceId,
    spanId: span.spanId,
    parent: frame.spanId,
    parentIsRemote: false,
    name: span.name,
    kind: span.kind,
    startMs: span.startMs,
    endMs: world.loop.nowMs,
    encoded: [span.constant],
    changing: span.changing,
    error: failure ? failure.message : null,
    exception: null,
    link: null,
  });
  world.counts.spans += 1;
}
/** Span of a call to another service, HTTP or gRPC. */
export function recordCallSpan(
  world: World,
  frame: Frame,
  target: Frame['operation'],
  spanId: SpanId,
  startMs: number,
  attempt: number,
  failure: Failure | null,
): void {
  const grpc = target.protocol === 'grpc';
  const changing: Changing = [];
  if (grpc) changing.push(['rpc.response.status_code', failure ? failure.rpcStatus : 'OK']);
  else {
    changing.push(['url.full', `http://${target.service}:8080${pathOf(target.route, frame.request)}`]);
    const status = failure ? failure.httpStatus : 200;
    if (status > 0) changing.push(['http.response.status_code', status]);
    if (attempt > 0) changing.push(['http.request.resend_count', attempt]);
  }
  const constant = constantAttributes(
    `call ${target.service} ${target.name}`,
    (): Record<string, string | number> =>
      grpc
        ? { 'rpc.system.name': 'grpc', 'rpc.method': target.method, 'server.address': target.service, 'server.port': 9090 }
        : { 'http.request.method': target.method, 'server.address': target.service, 'server.port': 8080 },
  );
  recordClientSpan(world, frame, {
    scope: 1,
    kind: CLIENT,
    name: grpc ? target.method : target.method,
    spanId,
    startMs,
    constant,
    changing,
    failure,
  });
}
/** Adds the request to the duration histogram of the instance, with an exemplar now and then. */
export function measure(world: World, frame: Frame, startMs: number, failure: Failure | null): void {
  const { operation, instance } = frame;
  const seconds = (world.loop.nowMs - startMs) / 1000;
  const status = statusOf(frame, failure);
  const key = `${operation.name} ${status} ${failure?.type ?? ''}`;
  const labels: Record<string, string | number> =
    operation.protocol === 'http'
      ? {
          'http.request.method': operation.method,
          'http.route': operation.route,
          'http.response.status_code': status,
          'url.scheme': 'http',
        }
      : operation.protocol === 'grpc'
        ? { 'rpc.system.name': 'grpc', 'rpc.method': operation.method, 'rpc.response.status_code': status }
        : { 'messaging.system': 'kafka', 'messaging.operation.name': 'process', 'messaging.destination.name': operation.route };
  if (failure) labels['error.type'] = failure.type;
  const histogram = instance.observeDuration(key, labels, seconds);
  if (!histogram.exemplar)
    histogram.exemplar = { timeMs: world.loop.nowMs, value: seconds, traceId: frame.request.traceId, spanId: frame.spanId };
}

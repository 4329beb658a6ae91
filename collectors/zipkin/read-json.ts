import { attributesOf, objectOf, textOf, wrong } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import {
  KIND_INTERNAL,
  KINDS,
  MAX_MICROS,
  NO_ENDPOINT,
  spanIdOf,
  traceIdOf,
  type ZipkinAnnotation,
  type ZipkinEndpoint,
  type ZipkinSpan,
} from './zipkin-span.ts';

/** Microseconds as nanoseconds; senders write them as number or digits, some with a fraction. */
function nanosOf(name: string, value: unknown): bigint {
  let micros: bigint;
  if (typeof value === 'number' && Number.isFinite(value)) micros = BigInt(Math.trunc(value));
  else if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) micros = BigInt(value);
  else throw wrong(name, 'a number of microseconds', value);
  if (micros > MAX_MICROS || micros < -MAX_MICROS) throw new OtlpError('malformed', `${name} is out of range: ${micros}`);
  return micros * 1_000n;
}
function timeOf(name: string, value: unknown): bigint {
  if (value === undefined || value === null) return 0n;
  const nanos = nanosOf(name, value);
  if (nanos < 0n) throw new OtlpError('malformed', `${name} is before 1970: ${nanos / 1_000n}`);
  return nanos;
}
function endpointOf(name: string, value: unknown): ZipkinEndpoint {
  if (value === undefined || value === null) return NO_ENDPOINT;
  const { serviceName, ipv4, ipv6, port } = objectOf(name, value);
  const number = port ?? 0;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 65_535)
    throw wrong(`${name}.port`, 'a port', number);
  return {
    serviceName: textOf(`${name}.serviceName`, serviceName),
    ip: textOf(`${name}.ipv4`, ipv4) || textOf(`${name}.ipv6`, ipv6),
    port: number,
  };
}
function annotationsOf(value: unknown): ZipkinAnnotation[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong('annotations', 'an array', value);
  return value.map((given: unknown, i) => {
    const { timestamp, value: said } = objectOf(`annotations[${i}]`, given);
    return { timeNs: timeOf(`annotations[${i}].timestamp`, timestamp), value: textOf(`annotations[${i}].value`, said) };
  });
}
function flagOf(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  return value;
}
function kindOf(value: unknown): number {
  const name = textOf('kind', value);
  if (name === '') return KIND_INTERNAL;
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined) throw wrong('kind', Object.keys(KINDS).join(', '), value);
  return kind;
}

/** One element of the array. Names nobody knows are passed over. @throws OtlpError malformed */
export function readJsonSpan(value: unknown): ZipkinSpan {
  const span = objectOf('it', value);
  const parentId = textOf('parentId', span['parentId']);
  const duration = span['duration'] ?? null;
  return {
    traceId: traceIdOf(textOf('traceId', span['traceId'])),
    id: spanIdOf(textOf('id', span['id'])),
    parentId: parentId === '' ? '' : spanIdOf(parentId) || '00',
    name: textOf('name', span['name']),
    kind: kindOf(span['kind']),
    startNs: timeOf('timestamp', span['timestamp']),
    durationNs: duration === null ? null : nanosOf('duration', duration),
    local: endpointOf('localEndpoint', span['localEndpoint']),
    remote: endpointOf('remoteEndpoint', span['remoteEndpoint']),
    annotations: annotationsOf(span['annotations']),
    tags: attributesOf('tags', span['tags']),
    debug: flagOf('debug', span['debug']),
    shared: flagOf('shared', span['shared']),
  };
}

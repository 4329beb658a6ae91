import { isIPv4 } from 'node:net';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { isValidUtf8 } from '#collectors/otlp/utf8.ts';
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireInput } from '#collectors/otlp/wire.ts';
import { eachField, varintAt } from '#collectors/otlp/wire-fields.ts';
import { KIND_INTERNAL, MAX_MICROS, NO_ENDPOINT, spanIdOf, traceIdOf, type ZipkinEndpoint, type ZipkinSpan } from './zipkin-span.ts';

/** zipkin.proto3.Span.Kind: unspecified, CLIENT, SERVER, PRODUCER, CONSUMER, as OTLP numbers them. */
const KIND_NUMBERS = [KIND_INTERNAL, 3, 2, 4, 5];

function textOf(input: WireInput, start: number, end: number): string {
  if (!isValidUtf8(input.bytes, input.view, start, end))
    throw new OtlpError('invalid_utf8', `a string at byte ${start} is not valid UTF-8`);
  return Buffer.from(input.bytes.buffer, input.bytes.byteOffset + start, end - start).toString('utf8');
}
const hexOf = ({ bytes }: WireInput, start: number, end: number): string =>
  end - start > 16 ? '' : Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');

function nanos(name: string, micros: bigint): bigint {
  if (micros > MAX_MICROS) throw new OtlpError('malformed', `${name} is out of range: ${micros}`);
  return micros * 1_000n;
}
function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new OtlpError('malformed', `an IP address has ${bytes.length} bytes`);
  const mapped = bytes.subarray(12).join('.');
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff && isIPv4(mapped)) return mapped;
  const words = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16));
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1);
}
function readEndpoint(input: WireInput, start: number, end: number): ZipkinEndpoint {
  const endpoint = { ...NO_ENDPOINT };
  let ipv6 = '';
  input.pos = start;
  eachField(input, end, (number, wireType, from, to) => {
    if (number === 1 && wireType === WIRE_BYTES) endpoint.serviceName = textOf(input, from, to);
    else if (number === 2 && wireType === WIRE_BYTES && to > from) endpoint.ip = ipText(input.bytes.subarray(from, to));
    else if (number === 3 && wireType === WIRE_BYTES && to > from) ipv6 = ipText(input.bytes.subarray(from, to));
    else if (number === 4 && wireType === WIRE_VARINT) endpoint.port = Number(varintAt(input, from, to) & 0xffffn);
  });
  if (endpoint.ip === '') endpoint.ip = ipv6;
  return endpoint;
}

/** The Span message in [start, end). @throws OtlpError malformed, invalid_utf8 */
export function readProtobufSpan(input: WireInput, start: number, end: number): ZipkinSpan {
  const span = {
    traceId: '',
    id: '',
    parentId: '',
    name: '',
    kind: KIND_INTERNAL,
    startNs: 0n,
    durationNs: null as bigint | null,
    local: NO_ENDPOINT,
    remote: NO_ENDPOINT,
    annotations: [] as { timeNs: bigint; value: string }[],
    tags: [] as [string, string][],
    debug: false,
    shared: false,
  };
  const delimited = (number: number, from: number, to: number): void => {
    if (number === 1) span.traceId = traceIdOf(hexOf(input, from, to));
    else if (number === 2) span.parentId = to === from ? '' : spanIdOf(hexOf(input, from, to)) || '00';
    else if (number === 3) span.id = spanIdOf(hexOf(input, from, to));
    else if (number === 5) span.name = textOf(input, from, to);
    else if (number === 8) span.local = readEndpoint(input, from, to);
    else if (number === 9) span.remote = readEndpoint(input, from, to);
    else if (number === 10) {
      const annotation = { timeNs: 0n, value: '' };
      input.pos = from;
      eachField(input, to, (field, wireType, at, next) => {
        if (field === 1 && wireType === WIRE_FIXED64) annotation.timeNs = nanos('an annotation', input.view.getBigUint64(at, true));
        else if (field === 2 && wireType === WIRE_BYTES) annotation.value = textOf(input, at, next);
      });
      span.annotations.push(annotation);
    } else if (number === 11) {
      const tag: [string, string] = ['', ''];
      input.pos = from;
      eachField(input, to, (field, wireType, at, next) => {
        if ((field === 1 || field === 2) && wireType === WIRE_BYTES) tag[field - 1] = textOf(input, at, next);
      });
      span.tags.push(tag);
    }
  };
  input.pos = start;
  eachField(input, end, (number, wireType, from, to) => {
    if (wireType === WIRE_BYTES) delimited(number, from, to);
    else if (number === 6 && wireType === WIRE_FIXED64) span.startNs = nanos('timestamp', input.view.getBigUint64(from, true));
    else if (wireType !== WIRE_VARINT) return;
    else if (number === 4) span.kind = KIND_NUMBERS[Number(varintAt(input, from, to) & 0xffffn)] ?? KIND_INTERNAL;
    else if (number === 7) span.durationNs = nanos('duration', varintAt(input, from, to));
    else if (number === 12) span.debug = varintAt(input, from, to) !== 0n;
    else if (number === 13) span.shared = varintAt(input, from, to) !== 0n;
  });
  return span;
}

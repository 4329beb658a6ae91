import { double, field, joined, number, varint } from '#collectors/otlp/test-protobuf.ts';

/** Builders of io.prometheus.client messages, for tests: what a client library with native histograms writes. */
export const sint = (value: number): bigint => BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
export const label = (name: string, value: string): Uint8Array => field(1, [field(1, name), field(2, value)]);
export const stamp = (fieldNumber: number, unixNano: bigint): Uint8Array =>
  field(fieldNumber, [number(1, unixNano / 1_000_000_000n), number(2, unixNano % 1_000_000_000n)]);
/** `spans`: offset and length in turns; `deltas`: as they stand on the wire. */
export const spans = (fieldNumber: number, ...pairs: readonly (readonly [number, number])[]): Uint8Array[] =>
  pairs.map(([offset, length]) => field(fieldNumber, [number(1, sint(offset)), number(2, length)]));
export const deltas = (fieldNumber: number, ...values: readonly number[]): Uint8Array =>
  field(fieldNumber, joined(...values.map((value) => varint(sint(value)))));
export const counts = (fieldNumber: number, ...values: readonly number[]): Uint8Array =>
  field(fieldNumber, Buffer.from(Float64Array.from(values).buffer));
export const family = (name: string, type: number, help: string, metrics: readonly (readonly Uint8Array[])[]): Uint8Array => {
  const body = joined(field(1, name), field(2, help), number(3, type), ...metrics.map((parts) => field(4, parts)));
  return joined(varint(body.length), body);
};
export const PROTOBUF_TYPE = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const created = 1_789_999_000_123_456_789n;
/** Every kind of family, each with what only the protobuf format can say. */
export const FAMILIES: Uint8Array = joined(
  family('requests_total', 0, 'Requests.', [
    [label('code', '200'), field(3, [double(1, 12), stamp(3, created), field(2, [label('trace_id', 'abc'), double(2, 1.5)])])],
    [label('code', '500'), label('instance', 'mine'), field(3, [double(1, 1)])],
  ]),
  family('temperature', 1, '', [[field(2, [double(1, -1.5)])]]),
  family('old', 3, '', [[field(5, [double(1, 3)])]]),
  family('rpc_seconds', 2, 'Summary.', [
    [field(4, [number(1, 7), double(2, 3.5), field(3, [double(1, 0.5), double(2, 0.25)]), field(3, [double(1, 1), double(2, 2)])])],
  ]),
  family('classic_seconds', 4, 'Classic.', [
    [
      field(7, [
        number(1, 9),
        double(2, 21.5),
        field(3, [number(1, 2), double(2, 0.1), field(3, [label('trace_id', 'x1'), double(2, 0.05)])]),
        field(3, [number(1, 5), double(2, 1_000_000)]),
      ]),
    ],
  ]),
  family('native_seconds', 4, 'Native.', [
    [
      label('route', '/'),
      field(7, [
        number(1, 12),
        double(2, 18.25),
        number(5, sint(3)),
        double(6, 0.001),
        number(7, 2),
        ...spans(12, [0, 2], [3, 1], [0, 1]),
        deltas(13, 2, 1, -2, 2),
        ...spans(9, [-2, 1]),
        deltas(10, 1),
        stamp(15, created),
        field(16, [label('trace_id', 'n1'), double(2, 1.25), stamp(3, created + 999_000_000_000n)]),
        field(3, [number(1, 5), double(2, 1)]),
      ]),
    ],
    [label('route', '/empty'), field(7, [number(1, 0), double(2, 0), double(6, 0.5)])],
  ]),
  family('gauge_seconds', 5, 'Gauge histogram.', [
    [field(7, [number(1, 3), double(2, 4), number(5, sint(0)), double(6, 0.001), ...spans(12, [1, 2]), deltas(13, 1, 1)])],
  ]),
  family('float_seconds', 4, 'Float histogram.', [
    [field(7, [double(4, 6), double(2, 4), number(5, sint(-1)), double(6, 0.001), double(8, 1), ...spans(12, [1, 2]), counts(14, 2, 3)])],
  ]),
);

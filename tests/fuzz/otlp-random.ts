import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { seededRandom } from '../../bench/payloads.ts';

/** Random but valid OTLP messages from the generated descriptors: every field has its chance, odd values included. */
export interface RandomOptions {
  readonly seed: number;
  /** Around this time most times lie, so that some items are kept and some dropped. */
  readonly nowUnixNano: bigint;
  /** Lists have 0 .. maxList entries. */
  readonly maxList: number;
}

const STRINGS = [
  '',
  'a',
  'service.name',
  'http.route',
  'twelve bytes',
  'thirteen byte',
  'größer als zwölf Bytes',
  '日本',
  '🙂🙂🙂🙂',
  '$dollar',
  '"quoted"',
  'nul\0inside',
];
const KEYS = [
  'service.name',
  'http.route',
  'http.request.method',
  'http.response.status_code',
  'k',
  'key',
  'a.rather.long.attribute.key',
  'ключ',
  '$k',
  '',
];
const DOUBLES = [
  0,
  -0,
  1,
  -1.5,
  3,
  0.1,
  1e21,
  1e-7,
  1.7976931348623157e308,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const INTEGERS = [
  0n,
  1n,
  9n,
  10n,
  200n,
  999n,
  1000n,
  65_535n,
  2n ** 31n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -1n,
  -200n,
  -(2n ** 63n),
];

export function randomMessage(schema: DescMessage, { seed, nowUnixNano, maxList }: RandomOptions): Message {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));

  const time = (): bigint => {
    const n = below(10);
    if (n === 0) return 0n;
    if (n === 1) return 2n ** 64n - 1n;
    if (n === 2) return nowUnixNano + 2n * 86_400_000_000_000n;
    if (n === 3) return nowUnixNano - 30n * 86_400_000_000_000n;
    return nowUnixNano - BigInt(below(1_000_000_000)) * 1000n;
  };
  const identifier = (length: number): Uint8Array => {
    const n = below(24);
    return n === 0 ? new Uint8Array(0) : n === 1 ? new Uint8Array(length) : n === 2 ? bytes(below(20)) : bytes(length);
  };
  const scalar = (field: DescField): unknown => {
    const { name } = field;
    if (name.endsWith('time_unix_nano')) return time();
    switch (field.scalar) {
      case ScalarType.STRING:
        return name === 'key' ? pick(KEYS) : pick(STRINGS);
      case ScalarType.BYTES:
        return name === 'trace_id' ? identifier(16) : name.endsWith('span_id') ? identifier(8) : bytes(below(30));
      case ScalarType.BOOL:
        return random() < 0.5;
      case ScalarType.DOUBLE:
        return random() < 0.5 ? pick(DOUBLES) : random() * 1e6 - 5e5;
      case ScalarType.INT64:
      case ScalarType.SFIXED64:
        return pick(INTEGERS);
      case ScalarType.FIXED64:
      case ScalarType.UINT64:
        return BigInt.asUintN(64, pick(INTEGERS));
      case ScalarType.SINT32:
      case ScalarType.INT32:
        return pick([0, 1, -1, 20, 2 ** 31 - 1, -(2 ** 31)]);
      default:
        return pick([0, 1, 2, 255, 257, 2 ** 32 - 1]);
    }
  };
  const single = (field: DescField, depth: number): unknown => {
    if (field.message) return build(field.message, depth + 1);
    return field.enum ? pick([0, 1, 2, 3, 5, 9, 24, 25, 255, 256, -1]) : scalar(field);
  };
  const fill = (target: ReflectMessage, field: DescField, depth: number): void => {
    if (field.fieldKind !== 'list') {
      target.set(field, single(field, depth) as never);
      return;
    }
    const list = target.get(field) as { add(item: unknown): void };
    // Deep in a value the tree must come to an end.
    const most = depth > 9 ? 1 : maxList;
    for (let n = below(most + 1); n > 0; n--) list.add(field.listKind === 'message' ? build(field.message, depth + 1) : listScalar(field));
  };
  const listScalar = (field: DescField): unknown => (field.name.includes('keys') ? pick(KEYS) : scalar(field));
  const build = (message: DescMessage, depth: number): ReflectMessage => {
    const target = reflect(message, create(message));
    for (const field of message.fields) {
      if (field.oneof) continue;
      if (random() < 0.85 && depth < 16) fill(target, field, depth);
    }
    for (const oneof of message.oneofs) {
      const simple = oneof.fields.filter((field) => !field.message);
      if (random() < 0.9) fill(target, pick(depth > 12 && simple.length > 0 ? simple : oneof.fields), depth);
    }
    return target;
  };
  return build(schema, 0).message;
}

import type { MessageTable } from '#protos/field-table.ts';

type Random = () => number;
const below = (random: Random, n: number): number => Math.floor(random() * n);
const INTERESTING = [0x00, 0x01, 0x07, 0x08, 0x0a, 0x12, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xff];

/** One to four careless changes: what a broken sender, network or attacker does to bytes. */
export function damage(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  let out: Buffer = Buffer.from(bytes);
  for (let n = 1 + below(random, 4); n > 0; n--) {
    const at = below(random, out.length + 1);
    const to = Math.min(out.length, at + below(random, 12));
    const from = below(random, other.length + 1);
    switch (below(random, 8)) {
      case 0:
        if (at < out.length) out[at] = (out[at] as number) ^ (1 << below(random, 8));
        break;
      case 1:
        if (at < out.length) out[at] = INTERESTING[below(random, INTERESTING.length)] as number;
        break;
      case 2:
        if (at < out.length) out[at] = (out[at] as number) + (random() < 0.5 ? 1 : -1);
        break;
      case 3:
        out = out.subarray(0, at);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(to)]);
        break;
      case 5:
        out = Buffer.concat([out.subarray(0, to), out.subarray(at)]);
        break;
      case 6:
        out = Buffer.concat([out.subarray(0, at), other.subarray(from, from + below(random, 40)), out.subarray(at)]);
        break;
      default:
        out = Buffer.concat([
          out.subarray(0, at),
          Buffer.from(Array.from({ length: below(random, 6) }, () => below(random, 256))),
          out.subarray(at),
        ]);
    }
  }
  return new Uint8Array(out);
}

function varint(value: number, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  for (let i = 0; i < padding; i++) {
    bytes[bytes.length - 1] = (bytes.at(-1) as number) | 0x80;
    bytes.push(0);
  }
  return Buffer.from(bytes);
}
interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly content: Buffer;
}
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let p = 0;
  const read = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[p++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (p < bytes.length) {
    const tag = read();
    const wireType = tag & 7;
    let end = p + (wireType === 1 ? 8 : 4);
    if (wireType === 2) {
      const length = read();
      end = p + length;
    } else if (wireType === 0) {
      end = p;
      while ((bytes[end++] as number) >= 0x80);
    }
    fields.push({ number: tag >>> 3, wireType, content: bytes.subarray(p, end) });
    p = end;
  }
  return fields;
}

/**
 * Says the same in another legal way: fields in another order, messages in parts, scalars said twice, unknown fields,
 * tags and lengths written longer than they must be, packed lists unpacked. What is repeated keeps its order.
 */
export function rephrase(random: Random, table: MessageTable, message: Uint8Array): Uint8Array {
  const parts: Buffer[] = [];
  const write = (number: number, wireType: number, content: Uint8Array): void => {
    const padding = random() < 0.03 ? 1 + below(random, 2) : 0;
    parts.push(varint(number * 8 + wireType, padding));
    if (wireType === 2) parts.push(varint(content.length, random() < 0.03 ? 1 : 0));
    parts.push(Buffer.from(content));
  };
  const fields = fieldsOf(Buffer.from(message));
  if (random() < 0.4) fields.sort(() => random() - 0.5);
  // The order within a repeated field has a meaning.
  const queues = new Map<number, Field[]>();
  for (const field of fieldsOf(Buffer.from(message))) queues.set(field.number, [...(queues.get(field.number) ?? []), field]);
  for (const { number } of fields) {
    const field = queues.get(number)?.shift() as Field;
    const entry = table.byNumber[number];
    if (random() < 0.03) write(900 + below(random, 20), 2, Buffer.from('unknown to all'));
    if (random() < 0.02) write(600, 5, Buffer.from([1, 2, 3, 4]));
    if (!entry) write(number, field.wireType, field.content);
    else if (entry.message) writeMessage(random, entry.message, field, entry.repeated, write);
    else if (entry.packable && field.wireType === 2 && entry.wireType === 1 && random() < 0.3)
      for (let i = 0; i < field.content.length; i += 8) write(number, 1, field.content.subarray(i, i + 8));
    else {
      if (!entry.repeated && entry.wireType === 1 && random() < 0.05) write(number, 1, Buffer.from('8 bytes!'));
      write(number, field.wireType, field.content);
    }
  }
  return new Uint8Array(Buffer.concat(parts));
}
function writeMessage(
  random: Random,
  table: MessageTable,
  field: Field,
  repeated: boolean,
  write: (n: number, w: number, c: Uint8Array) => void,
): void {
  const inner = fieldsOf(field.content);
  if (repeated || random() > 0.1) {
    write(field.number, 2, rephrase(random, table, field.content));
    return;
  }
  const cut = below(random, inner.length + 1);
  const joined = (some: readonly Field[]): Buffer =>
    Buffer.concat(
      some.flatMap(({ number, wireType, content }) => [
        varint(number * 8 + wireType),
        ...(wireType === 2 ? [varint(content.length)] : []),
        content,
      ]),
    );
  write(field.number, 2, rephrase(random, table, joined(inner.slice(0, cut))));
  write(field.number, 2, rephrase(random, table, joined(inner.slice(cut))));
}

import type { ReverseWriter } from './reverse-writer.ts';

/** What other protocols' receivers write OTLP with. Field numbers: protos/opentelemetry. Back to front, as the writer is. */
export type AttributeValue = string | number | boolean;
/** Everything an AnyValue can be; null: one without a value. */
export type NestedValue = AttributeValue | bigint | null | Uint8Array | readonly NestedValue[] | ReadonlyMap<string, NestedValue>;

/** Closes a nested message or a text. @param before the writer's size before its content */
export function closeField(writer: ReverseWriter, before: number, field: number): void {
  writer.varint(writer.size - before);
  writer.varint(field * 8 + 2);
}
export function textField(writer: ReverseWriter, field: number, value: string): void {
  if (value === '') return;
  writer.varint(writer.text(value));
  writer.varint(field * 8 + 2);
}
export function hexField(writer: ReverseWriter, field: number, hex: string): void {
  if (hex === '') return;
  writer.raw(Buffer.from(hex, 'hex'));
  writer.varint(hex.length / 2);
  writer.varint(field * 8 + 2);
}
export function countField(writer: ReverseWriter, field: number, value: number): void {
  if (value === 0) return;
  writer.varint(value);
  writer.varint(field * 8);
}
/** @param unixNano 0 = not known: left out */
export function timeField(writer: ReverseWriter, field: number, unixNano: bigint): void {
  if (unixNano === 0n) return;
  writer.fixed64(unixNano);
  writer.varint(field * 8 + 1);
}

/**
 * An AnyValue's content: whole numbers as int_value, others as double_value; a text is one also when it is empty.
 * The caller bounds the depth.
 */
export function writeValue(writer: ReverseWriter, value: NestedValue): void {
  if (typeof value === 'string') {
    writer.varint(writer.text(value));
    writer.varint(1 * 8 + 2);
  } else if (typeof value === 'boolean') {
    writer.varint(value ? 1 : 0);
    writer.varint(2 * 8);
  } else if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
    writer.varint64(BigInt(value));
    writer.varint(3 * 8);
  } else if (typeof value === 'number') {
    writer.double(value);
    writer.varint(4 * 8 + 1);
  } else if (value !== null) writeNested(writer, value);
}
function writeNested(writer: ReverseWriter, value: Extract<NestedValue, object>): void {
  const before = writer.size;
  if (value instanceof Uint8Array) {
    writer.raw(value);
    closeField(writer, before, 7);
  } else if (value instanceof Map) {
    for (const [key, inner] of [...(value as ReadonlyMap<string, NestedValue>)].reverse()) attributeField(writer, 1, key, inner);
    closeField(writer, before, 6);
  } else {
    const values = value as readonly NestedValue[];
    for (let i = values.length - 1; i >= 0; i--) {
      const start = writer.size;
      writeValue(writer, values[i] as NestedValue);
      closeField(writer, start, 1);
    }
    closeField(writer, before, 5);
  }
}
/** A KeyValue as field `field`. */
export function attributeField(writer: ReverseWriter, field: number, key: string, value: NestedValue): void {
  const before = writer.size;
  writeValue(writer, value);
  closeField(writer, before, 2);
  textField(writer, 1, key);
  closeField(writer, before, field);
}

import {
  Table as ArrowTable,
  Field,
  Float64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMillisecond,
  TimestampNanosecond,
  tableFromArrays,
  tableToIPC,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { expect, it } from 'vitest';
import { readTable } from './table.ts';

const START = 1_795_260_000_123_456_789n;
function timesTable(unit: 'ns' | 'ms'): Uint8Array {
  const type = unit === 'ns' ? new TimestampNanosecond() : new TimestampMillisecond();
  const values = new BigInt64Array(unit === 'ns' ? [START, 0n] : [START / 1_000_000n, 0n]);
  const data = makeData({ type, length: 2, nullCount: 1, nullBitmap: new Uint8Array([1]), data: values } as never);
  const schema = new Schema([new Field('time', type, true)], new Map([['query', 'SELECT 1']]));
  const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 2, nullCount: 0, children: [data] }));
  return tableToIPC(new ArrowTable(schema, [batch]), 'stream');
}
it('keeps every nanosecond, and says the query', () => {
  const table = readTable(timesTable('ns'));
  expect(table.nanos('time')).toEqual(new BigInt64Array([START, 0n]));
  expect(table.times('time')[0]).toBeCloseTo(1_795_260_000_123.456, 3);
  expect(table.query).toBe('SELECT 1');
  expect(table.cell('time', 1)).toBe('');
});
it('reads times of another unit', () => expect(readTable(timesTable('ms')).nanos('time')[0]).toBe(1_795_260_000_123_000_000n));
it('reads null as NaN and as empty text; an absent column as empty', () => {
  const table = readTable(tableToIPC(new ArrowTable({ value: vectorFromArray([1.5, null], new Float64()) }), 'stream'));
  expect([...table.numbers('value')]).toEqual([1.5, Number.NaN]);
  expect(table.texts('value')).toEqual(['1.5', '']);
  expect(table.texts('absent')).toEqual(['', '']);
  expect(table.nanos('absent')).toEqual(new BigInt64Array(2));
});
it('reads big integers as numbers', () => {
  const table = readTable(tableToIPC(tableFromArrays({ n: new BigInt64Array([7n, -2n]) }), 'stream'));
  expect([...table.numbers('n')]).toEqual([7, -2]);
});
it('ids keep all 64 bits; null is 0', () => {
  const table = readTable(tableToIPC(new ArrowTable({ id: vectorFromArray([0xfedcba9876543210n, null, 1n], new Uint64()) }), 'stream'));
  expect(table.ids('id')).toEqual(new BigUint64Array([0xfedcba9876543210n, 0n, 1n]));
  expect(table.ids('absent')).toEqual(new BigUint64Array(3));
});
it('an answer that is no Arrow stream throws', () => expect(() => readTable(new TextEncoder().encode('{"error":1}'))).toThrow());

it.each([[['ascii', '', null, 'more']], [['ünïcode 日志', null, 'x', '🚀']]])('texts %j are the same as one by one', (texts) => {
  const table = readTable(tableToIPC(new ArrowTable({ text: vectorFromArray(texts, new Utf8()) }), 'stream'));
  expect(table.texts('text')).toEqual(texts.map((text) => text ?? ''));
  expect(texts.map((_, row) => table.text('text', row))).toEqual(table.texts('text'));
});

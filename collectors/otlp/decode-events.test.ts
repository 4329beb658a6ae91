import { expect, it } from 'vitest';
import { limitsSchema } from '#contracts/settings.ts';
import { type Row, tableRows } from '../../tests/coverage/otlp-rows.ts';
import { decodeOtlp } from './decode.ts';
import { spanEventsReader } from './decode-events.ts';
import { TestDictionary } from './test-dictionary.ts';
import { field, fixed64, joined, keyValue, number, spanRequest } from './test-protobuf.ts';

const now = 1_790_000_000_000_000_000n;
const event = (...fields: Uint8Array[]): Uint8Array => field(11, fields);
/** Events that the one span of a request shows. */
function shown(...fields: Uint8Array[]): Row[] {
  const context = { dictionary: new TestDictionary(), receivedUnixNano: now, retentionSeconds: 0, limits: limitsSchema.parse({}) };
  const [row] = tableRows(decodeOtlp('traces', spanRequest(now, ...fields), context), 'spans');
  return row?.['events'] as unknown as Row[];
}
const named = (rows: readonly Row[]): unknown[] => rows.map(({ name }) => name);

it('shows time, name, attributes with their types and what the sender dropped', () => {
  const attributes = [field(3, keyValue('a', field(1, 'x'))), field(3, keyValue('b', number(3, 7)))];
  expect(shown(event(fixed64(1, now), field(2, 'retry'), ...attributes, number(4, 3)))).toEqual([
    {
      time: now,
      name: 'retry',
      attributes: [
        ['a', 'x'],
        ['b', '7'],
      ],
      attribute_types: 'si',
      dropped_attributes_count: 3,
    },
  ]);
});
it('an event so small that it lies in the cell', () => {
  expect(named(shown(event(field(2, 'tiny'))))).toEqual(['tiny']);
  expect(named(shown(event()))).toEqual(['']);
});
it('events with other fields of the span between them are brought together', () => {
  expect(named(shown(event(field(2, 'first of two events')), field(5, 'span name'), event(field(2, 'second'))))).toEqual([
    'first of two events',
    'second',
  ]);
});
it('the last of an attribute given twice counts; a time beyond the type is its largest', () => {
  const twice = [field(3, keyValue('k', field(1, 'old'))), field(3, keyValue('k', field(1, 'new')))];
  expect(shown(event(fixed64(1, 2n ** 64n - 1n), ...twice))).toMatchObject([{ time: 2n ** 63n - 1n, attributes: [['k', 'new']] }]);
});
it('a legal oddity inside of an event is read: fields unknown here, a tag longer than it must be', () => {
  expect(named(shown(event(field(99, 'from the future'), field(2, 'known'))))).toEqual(['known']);
  const longTag = joined(Uint8Array.from([0x92, 0x00, 0x03]), Buffer.from('odd'));
  expect(named(shown(event(longTag), event(field(2, 'plain'))))).toEqual(['odd', 'plain']);
});
it('reads many rows at once, some without events', () => {
  const rows = [event(field(2, 'a')), new Uint8Array(0), joined(event(field(2, 'b')), event(field(2, 'c')))];
  const offsets = [0];
  for (const row of rows) offsets.push((offsets.at(-1) as number) + row.length);
  const { column } = spanEventsReader()(joined(...rows), offsets);
  expect([...column.offsets.subarray(0, 4)]).toEqual([0, 1, 1, 3]);
});
it('bytes that are no events are refused', () => {
  expect(() => spanEventsReader()(Uint8Array.from([0x5a, 0x7f, 0x01]), [0, 3])).toThrow(/ends|length|byte/);
});

import { describe, expect, it } from 'vitest';
import { readBytes } from '../test-read.ts';
import { columnsOf, mappingProblems, parseMapping, proposeMapping } from './propose-mapping.ts';
import type { Cell } from './table-rows.ts';

const rows = (names: readonly string[], ...cells: readonly (readonly Cell[])[]) =>
  cells.map((each, i) => ({ line: i + 1, offset: 0, cells: Object.fromEntries(names.map((name, at) => [name, each[at] ?? null])) }));
const propose = (names: readonly string[], ...cells: readonly (readonly Cell[])[]) => {
  const given = rows(names, ...cells);
  return proposeMapping(columnsOf(given), given);
};
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a mapping is proposed', () => {
  it.each<[string, object, object]>([
    [
      'logs',
      propose(['ts', 'level', 'msg', 'app', 'n'], ['2026-11-21T19:33:55Z', 'info', 'hi', 'cart', '1']),
      { kind: 'logs', roles: { time: ['ts'], severity: ['level'], body: ['msg'], service: ['app'] } },
    ],
    [
      'metrics, wide',
      propose(['timestamp', 'cpu', 'mem', 'host'], [1_795_289_635, 0.5, 7, 'a']),
      { kind: 'metrics', roles: { time: ['timestamp'], value: ['cpu', 'mem'] } },
    ],
    [
      'metrics, long',
      propose(['time', 'metric', 'value'], ['1795289635', 'cpu', '0.5']),
      { kind: 'metrics', roles: { time: ['time'], name: ['metric'], value: ['value'] } },
    ],
    [
      'spans',
      propose(
        ['trace_id', 'span_id', 'parent_span_id', 'start_time', 'duration_ms', 'name'],
        ['a', 'b', 'c', '2026-11-21 19:33:55', 5, 'x'],
      ),
      {
        kind: 'spans',
        roles: {
          trace_id: ['trace_id'],
          span_id: ['span_id'],
          parent_id: ['parent_span_id'],
          time: ['start_time'],
          duration: ['duration_ms'],
          name: ['name'],
        },
      },
    ],
    ['text without a time', propose(['who', 'what'], ['a', 'b']), { kind: 'logs', roles: { body: ['who'] } }],
  ])('for %s', (_, given, wanted) => expect(given).toEqual(wanted));
  it('and may be changed by name', () => {
    const proposed = propose(['ts', 'a', 'b'], ['2026-11-21T19:33:55Z', '1', '2']);
    expect(parseMapping('kind=metrics,value=a+b', proposed)).toEqual({ kind: 'metrics', roles: { time: ['ts'], value: ['a', 'b'] } });
    expect(parseMapping('time=', proposed).roles.time).toBeUndefined();
    expect(() => parseMapping('colour=a', proposed)).toThrow('"colour=a" is no ROLE=COLUMN');
    expect(() => parseMapping('kind=x', proposed)).toThrow('kind is logs, metrics or spans');
    expect(mappingProblems({ kind: 'metrics', roles: { body: ['zz'] } }, ['a'])).toEqual([
      'There is no column "zz" for body.',
      'metrics need a column for time.',
      'metrics need a column for value.',
    ]);
  });
});

describe('tables', () => {
  it('metrics: a sample for each value column, labels of the text columns; bad cells are named', async () => {
    const text = 'time;cpu;mem;host\n1795289635;0.5;1;a\n1795289650;x;2;a\n1795289665;;3;b\n1795289680;NaN;4;b\n';
    const { format, items, bad } = await readBytes(utf8(text), { name: 'node.csv' });
    expect({ format, metrics: items.metrics }).toEqual({ format: 'csv', metrics: 5 });
    expect(bad.map(({ line, message }) => [line, message])).toEqual([[3, '"x" in column "cpu" is no number']]);
  });
  it('a mapping that does not fit takes nothing and names the columns', async () => {
    const { good, bad } = await readBytes(utf8('a,b\n1,2\n'), { mapping: { kind: 'spans', roles: {} } });
    expect(good).toEqual([]);
    expect(bad[0]?.message).toBe(
      'spans need a column for time. spans need a column for trace_id. spans need a column for span_id. Columns: a, b',
    );
  });
  it('objects, one a line or in an array; nested values as JSON', async () => {
    const object = '{"time":"2026-11-21T19:33:55Z","message":"hi","more":{"a":[1]}}';
    for (const text of [`${object}\n${object}\n`, `[${object},${object}]`]) {
      const { format, items, bad } = await readBytes(utf8(text));
      expect({ format, logs: items.logs, bad }).toEqual({ format: 'ndjson', logs: 2, bad: [] });
    }
  });
});

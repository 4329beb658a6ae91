import type { ColumnSpec } from '#contracts/tables.ts';
import type { Database } from '../database/database.ts';
import { columnsFromRows, type RowValue } from '../hot/columns-from-rows.ts';
import { registerHotFunction } from '../hot/hot-function.ts';
import { HotRows } from '../hot/hot-rows.ts';
import { NativeHeap } from './native-heap.ts';

const long = (letter: string): string => letter.repeat(300);
const text = (name: string): ColumnSpec => ({ name, kind: 'string', sql: 'VARCHAR', nullable: true, about: '' });
const inner: readonly ColumnSpec[] = [text('name'), { name: 'tags', kind: 'map', sql: 'MAP(VARCHAR, VARCHAR)', about: '' }];
const COLUMNS: readonly ColumnSpec[] = [
  text('plain'),
  { name: 'tags', kind: 'map', sql: 'MAP(VARCHAR, VARCHAR)', about: '' },
  { name: 'items', kind: 'list', sql: '', element: inner, about: '' },
  { name: 'counts', kind: 'list', sql: 'UBIGINT[]', element: 'u64', about: '' },
];
const ROWS: readonly RowValue[] = [
  {
    plain: 'short',
    tags: { keys: ['a', long('k')], values: [long('v'), ''] },
    items: [{ name: long('n'), tags: { keys: ['x'], values: [long('y')] } }],
    counts: [1n, 2n],
  },
  { plain: 'exactly 12 b', tags: { keys: [], values: [] }, items: [], counts: [] },
  {
    plain: null,
    tags: { keys: ['é'], values: ['连接池连接池连接池'] },
    items: [
      { name: '', tags: { keys: [], values: [] } },
      { name: 'two', tags: { keys: ['q', 'r'], values: ['1', long('2')] } },
    ],
    counts: [3n],
  },
  { plain: `${long('ü')}end`, tags: { keys: ['z'], values: ['1'] }, items: [], counts: [2n ** 64n - 1n] },
  { plain: '', tags: { keys: [], values: [] }, items: [], counts: [] },
];
const asJson = (row: RowValue): string => {
  const map = (value: unknown): Record<string, string> => {
    const { keys, values } = value as { keys: string[]; values: string[] };
    return Object.fromEntries(keys.map((key, i) => [key, values[i]!]));
  };
  const items = (row['items'] as RowValue[]).map((item) => ({ name: item['name'], tags: map(item['tags']) }));
  return JSON.stringify([row['plain'], map(row['tags']), items, (row['counts'] as bigint[]).map(String)]);
};

/**
 * Whether DuckDB lays strings, maps and lists out as the fast path believes: short, long, empty, NULL and non-ASCII
 * strings and nested lists go in through it and must come back the same.
 */
export async function provesLayout(database: Database): Promise<boolean> {
  const spec = { name: 'self_test', columns: COLUMNS };
  const hot = new HotRows([spec], new NativeHeap(true));
  const connection = await database.connect();
  try {
    const { columns, heap } = columnsFromRows(COLUMNS, ROWS);
    hot.table(spec.name).append(0, columns, 0, ROWS.length, { position: 0, ordinal: 0 }, { bytes: heap, copy: null }, 0);
    registerHotFunction(connection.raw, spec, hot, true);
    hot.bind(connection.id, hot.snapshot());
    const rows = await connection.rows(
      'SELECT plain, to_json(tags)::VARCHAR AS tags, to_json(items)::VARCHAR AS items, to_json(counts::VARCHAR[])::VARCHAR AS counts FROM hot_self_test()',
    );
    const back = rows.map((row) =>
      JSON.stringify([row['plain'], ...[row['tags'], row['items'], row['counts']].map((json) => JSON.parse(json as string))]),
    );
    return back.length === ROWS.length && back.every((line, i) => line === asJson(ROWS[i]!));
  } catch {
    return false;
  } finally {
    hot.unbind(connection.id);
    database.disconnect(connection);
  }
}

import duckdb from '@duckdb/node-api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EVENT_FIELDS, SPANS } from '#contracts/tables.ts';
import { batchFromRows } from '../hot/columns-from-rows.ts';
import { eventWire } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());
const AT = nano('2026-11-20T10:00:00Z');
const LIST = `STRUCT(${EVENT_FIELDS.map((field) => `"${field.name}" ${field.sql}`).join(', ')})[]`;
const shown = async (): Promise<unknown> =>
  (
    await t.store.query(
      'SELECT name, to_json(list_transform(events, lambda e: [e.name, e.attributes::VARCHAR]))::VARCHAR AS events FROM spans ORDER BY name',
    )
  ).rows();

/** What layout 4 left behind: lists in a column of their own. */
async function backToLayout4(): Promise<void> {
  const instance = await duckdb.DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const file of ['catalog', 'telemetry-2026-11-20']) {
    await connection.run(`ATTACH '${t.dataDir}/${file}.duckdb' AS old`);
    await connection.run('UPDATE old.main.schema_version SET version = 4');
    if (file !== 'catalog') {
      await connection.run('ALTER TABLE old.main.spans DROP COLUMN events_wire');
      await connection.run(`ALTER TABLE old.main.spans ADD COLUMN events ${LIST}`);
      await connection.run(`UPDATE old.main.spans SET events = CASE WHEN name = 'a' THEN
        [{'time': TIMESTAMP_NS '2026-11-20 10:00:00', 'name': 'old', 'attributes': MAP {'k': 'v'}, 'attribute_types': 's', 'dropped_attributes_count': 0}]::${LIST}
        ELSE []::${LIST} END`);
    }
    await connection.run('DETACH old');
  }
  connection.closeSync();
  instance.closeSync();
}
const span = (name: string, wire: string | null) => {
  const [row] = makeSpanRows(name, wire);
  return batchFromRows(SPANS, [row!]);
};
function makeSpanRows(name: string, wire: string | null): Parameters<typeof batchFromRows>[1] {
  const empty = Object.fromEntries(
    SPANS.columns.map((c) => [
      c.name,
      c.nullable
        ? null
        : c.kind === 'map'
          ? { keys: [], values: [] }
          : c.kind === 'list'
            ? []
            : c.kind === 'string'
              ? ''
              : c.kind === 'uuid'
                ? new Uint8Array(16)
                : 0,
    ]),
  );
  return [{ ...empty, start_time: AT, name, events_wire: wire }];
}

it('layout 4 -> 5: spans keep the event lists they have, later ones in the same file show what was sent', async () => {
  await t.open();
  t.append(span('a', null), span('b', null));
  await t.store.flush();
  await t.store.close();
  await backToLayout4();
  await t.open();
  const old = [
    { name: 'a', events: '[["old","{k=v}"]]' },
    { name: 'b', events: '[]' },
  ];
  expect(await shown()).toEqual(old);
  t.append(span('c', eventWire(AT, 'new', { key: 'value' })), span('d', null));
  const all = [...old, { name: 'c', events: '[["new","{key=value}"]]' }, { name: 'd', events: '[]' }];
  expect(await shown()).toEqual(all);
  await t.store.flush();
  expect(await shown()).toEqual(all);
});

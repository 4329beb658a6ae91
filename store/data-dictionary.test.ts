import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataDictionary } from './data-dictionary.ts';
import { DERIVED_VIEWS } from './sql/ddl/derived-views.ts';
import { TestStore } from './test-store.ts';

const PATH = join(import.meta.dirname, '../docs/data-dictionary.md');
let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());

it('docs/data-dictionary.md is what the definitions say', () => {
  if (process.env['UPDATE_GOLDEN']) writeFileSync(PATH, dataDictionary());
  expect(readFileSync(PATH, 'utf8')).toBe(dataDictionary());
});
it.each(DERIVED_VIEWS.map((view) => [view.name, view.columns] as const))('%s has the columns it says', async (name, columns) => {
  await t.open();
  expect((await t.store.userQuery(`SELECT * FROM ${name}`)).columns.map((column) => column.name)).toEqual(columns);
});

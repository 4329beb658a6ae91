import type { ColumnSpec } from '#contracts/tables.ts';
import { BILL_COLUMNS } from './bills/bill-columns.ts';
import { billType } from './sql/bills/bill-ddl.ts';
import { TELEMETRY } from './sql/ddl/ddl.ts';
import { DERIVED_VIEWS } from './sql/ddl/derived-views.ts';
import { DICTIONARY_TABLES } from './sql/ddl/dictionary-tables.ts';
import { ALLOWED_FUNCTIONS } from './user-sql/allowed-functions.ts';

const ABOUT: Readonly<Record<string, string>> = {
  spans: 'One row per span.',
  logs: 'One row per log record.',
  samples: 'One row per number data point or scraped sample.',
  histograms: 'One row per histogram, exponential histogram or summary data point.',
  exemplars: 'One row per exemplar of a data point.',
  profiles: 'One row per OTLP profile.',
  profile_samples: 'One row per sample of a profile.',
  stacks: 'Call stacks of profiles: one row per distinct stack.',
  resources: 'Who sends: one row per distinct resource.',
  scopes: 'Instrumentation scopes.',
  series: 'Metric series: one row per metric, resource, scope and label set.',
};
const rowOf = (name: string, type: string, nullable: boolean, about: string): string =>
  `| ${name} | ${type} | ${nullable ? 'yes' : ''} | ${about.replaceAll('|', '\\|')} |`;
const shownRow = (c: ColumnSpec): string =>
  c.shownAs ? rowOf(c.shownAs.name, c.shownAs.sql, false, c.shownAs.about) : rowOf(c.name, c.sql, c.nullable ?? false, c.about);
const table = (name: string, about: string, columns: readonly ColumnSpec[]): string =>
  [
    `## ${name}`,
    '',
    about,
    '',
    '| column | type | NULL | what |',
    '| --- | --- | --- | --- |',
    ...columns.filter((c) => c.name !== 'identity').map(shownRow),
    '',
  ].join('\n');

function billTable(): string {
  const text = (name: string, about: string): ColumnSpec => ({ name, kind: 'string', sql: 'VARCHAR', nullable: true, about });
  return table(
    'bill',
    'One row per charge of the FOCUS bills imported. Amounts are exact decimals; sum them by billing_currency, never across.',
    [
      text('bill_id', 'SHA-256 of the file.'),
      {
        name: 'line',
        kind: 'u64',
        sql: 'UBIGINT',
        about: 'Row of the file, the header being 1 (line breaks inside of values not counted).',
      },
      ...BILL_COLUMNS.map((column) => ({ ...text(column.name, column.about), sql: billType(column) })),
      {
        ...text('other', 'Columns without a place of their own (x_ columns, newer versions), under their names.'),
        sql: 'MAP(VARCHAR, VARCHAR)',
      },
    ],
  );
}

/** docs/data-dictionary.md: what a SQL user finds. Made from the definitions the tables are made from. */
export function dataDictionary(): string {
  return `# Data dictionary

Generated from contracts/tables.ts and store/sql/ddl by store/data-dictionary.ts (\`UPDATE_GOLDEN=1\` with its test); do not edit.

What one SELECT over the console's SQL screen, \`faultline query sql\` or \`POST /console/query/sql\` can read: the views below,
over rows in memory and rows on disk alike. Times are TIMESTAMP_NS in UTC, durations nanoseconds. Ids are stored in binary:
\`trace_id_hex(trace_id)\` and \`span_id_hex(span_id)\` write them as lower-case hex; \`trace_id_of('5b8e...')\` and
\`span_id_of('eee1...')\` read hex, for filters that stay fast. In results UUIDs come as 32 hex digits, wide integers and
decimals as DOUBLE, lists, structs and maps as JSON text.

Attributes: those with a column of their own (see each column) are there and not in \`attributes\`; the rest is
\`attributes['key']\`, as text, with one letter per entry in \`attribute_types\`: s string, b bool, i int, d double, a array
(JSON), k key-value list (JSON), y bytes (base64), n empty.

Put a condition on the time column (${TELEMETRY.map((t) => `${t.name}.${t.timeColumn}`).join(', ')}): days out of range are not read.

${TELEMETRY.map((t) => table(t.name, ABOUT[t.name] ?? '', t.columns)).join('\n')}
${DICTIONARY_TABLES.map((t) => table(t.name, ABOUT[t.name] ?? '', t.columns)).join('\n')}
${DERIVED_VIEWS.map((view) => [`## ${view.name}`, '', view.about, '', `Columns: ${view.columns.join(', ')}.`, ''].join('\n')).join('\n')}
${billTable()}
## Functions

${ALLOWED_FUNCTIONS.size} functions and operators may be called; those that read files, settings or the catalog, run SQL text, sleep
or write may not. Table functions: range, generate_series, unnest. \`repeat\`, \`lpad\`, \`rpad\` and \`list_resize\` need a constant length.

${[...ALLOWED_FUNCTIONS]
  .filter((name) => /^[a-z]/.test(name))
  .map((name) => `\`${name}\``)
  .join(' ')}
`;
}

import type { BillProblemCode } from '#contracts/bill-problems.ts';
import { BILL_COLUMNS, type BillLayout } from '../../bills/bill-columns.ts';
import type { BillHeader } from '../../bills/read-header.ts';
import { textLiteral } from '../read/literals.ts';
import { BILLS, billType } from './bill-ddl.ts';

/** What the import of one bill runs, in order, on one connection in one transaction. */

/** FOCUS numeric format (facts: numeric_format_examples.json), and digits that 18 decimals cannot hold. */
const NUMBER = "'^-?(\\d+(\\.\\d*)?|\\.\\d+)([eE]-?\\d{1,2})?$'";
const TOO_FINE = "'\\.\\d{18}\\d*[1-9]'";
/** Twenty million of them still fit DECIMAL(38,18): a sum that overflows would take the cost screen with it. */
const COST_LIMIT = '1000000000000';
const TIME_FORMATS = "['%m/%d/%Y', '%Y-%m-%d %H:%M:%S UTC', '%m/%d/%Y %H:%M:%S']";
const raw = (index: number): string => `r.c${index}`;

/** What FOCUS lets be missing, filled in. */
const FILLED: Readonly<Record<string, string>> = {
  charge_period_start: 'coalesce(charge_period_start, billing_period_start)',
  charge_period_end: 'coalesce(charge_period_end, billing_period_end)',
  effective_cost: 'coalesce(effective_cost, billed_cost)',
  billed_cost: 'coalesce(billed_cost, effective_cost)',
  billing_currency: "coalesce(upper(trim(billing_currency)), 'XXX')",
};

/** One check of a row: when it holds, the row has the problem. Columns are those of the view, typed. */
interface Check {
  readonly code: BillProblemCode;
  readonly column: string;
  readonly when: string;
}
const near = (a: string, b: string): string => `abs(${a}::DOUBLE - (${b})) <= greatest(1e-9, 1e-6 * abs(${a}::DOUBLE))`;
const product = (price: string): string => `${price}::DOUBLE * pricing_quantity::DOUBLE`;
const used = "charge_category = 'Usage' AND commitment_discount_status = 'Used'";
/** From the official sample checker's invariants (docs: facts of FOCUS 1.2/1.3). A NULL anywhere means: cannot be told. */
const RULES: readonly Check[] = [
  {
    code: 'missing_price',
    column: 'list_unit_price',
    when: "charge_category = 'Usage' AND pricing_quantity > 0 AND effective_cost <> 0 AND (list_unit_price IS NULL OR contracted_unit_price IS NULL)",
  },
  { code: 'negative_price', column: 'list_unit_price', when: 'list_unit_price < 0 OR contracted_unit_price < 0' },
  {
    code: 'negative_usage',
    column: 'effective_cost',
    when: "charge_category = 'Usage' AND charge_class IS DISTINCT FROM 'Correction' AND effective_cost < 0",
  },
  {
    code: 'unknown_category',
    column: 'charge_category',
    when: "charge_category NOT IN ('Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment')",
  },
  {
    code: 'list_cost_differs',
    column: 'list_cost',
    when: `charge_class IS DISTINCT FROM 'Correction' AND NOT (${near('list_cost', product('list_unit_price'))})`,
  },
  {
    code: 'contracted_cost_differs',
    column: 'contracted_cost',
    when: `charge_class IS DISTINCT FROM 'Correction' AND NOT (${near('contracted_cost', product('contracted_unit_price'))})`,
  },
  {
    code: 'discount_order',
    column: 'effective_cost',
    when: `${used} AND NOT (effective_cost < contracted_cost AND contracted_cost <= list_cost)`,
  },
  { code: 'credit_differs', column: 'effective_cost', when: "charge_category = 'Credit' AND effective_cost <> billed_cost" },
  {
    code: 'purchase_effective',
    column: 'effective_cost',
    when: "charge_category = 'Purchase' AND commitment_discount_id IS NOT NULL AND effective_cost <> 0",
  },
  {
    code: 'unused_billed',
    column: 'billed_cost',
    when: "commitment_discount_status = 'Unused' AND (billed_cost <> 0 OR consumed_quantity IS NOT NULL)",
  },
  { code: 'unit_without_quantity', column: 'pricing_unit', when: '(pricing_unit IS NULL) <> (pricing_quantity IS NULL)' },
];
/** Rules that need a column the file does not have would only say so for every row. */
const NEEDS: Partial<Record<BillProblemCode, readonly string[]>> = {
  missing_price: ['list_unit_price', 'contracted_unit_price'],
  unit_without_quantity: ['pricing_unit', 'pricing_quantity'],
};

/** The file as text columns c0, c1 ...; lines that do not fit are set aside in reject_errors with their numbers. */
function readCsv(path: string, header: BillHeader): string {
  const columns = header.columns.map((_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  return `read_csv(${textLiteral(path)}, header = false, skip = 1, auto_detect = false, delim = ${textLiteral(header.delimiter)}, quote = '"', escape = '"',
    nullstr = ['NULL', 'null', ''], new_line = '${header.newLine === '\n' ? '\\n' : '\\r\\n'}', compression = '${header.compression}', store_rejects = true, rejects_limit = 0,
    max_line_size = 4194304, columns = {${columns}})`;
}

const amountOf = (index: number): string =>
  `CASE WHEN regexp_full_match(trim(${raw(index)}), ${NUMBER}) THEN TRY_CAST(trim(${raw(index)}) AS DECIMAL(38,18)) END`;
const timeOf = (index: number): string =>
  `coalesce(TRY_CAST(${raw(index)} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', try_strptime(${raw(index)}, ${TIME_FORMATS}))`;
/** Whatever the text is: no JSON, a list, a key twice. */
const tagsOf = (index: number): string => `TRY_CAST(TRY_CAST(${raw(index)} AS JSON) AS MAP(VARCHAR, VARCHAR))`;
function columnSql(layout: BillLayout, { name, kind }: (typeof BILL_COLUMNS)[number]): string {
  const index = layout.at.get(name);
  if (index === undefined) return 'NULL';
  return { text: (i: number) => raw(i), amount: amountOf, time: timeOf, tags: tagsOf }[kind](index);
}

/** Everything that is known of a row when it is read; `codes` holds places in this list. */
export function checksOf(layout: BillLayout): readonly Check[] {
  const known = (name: string): boolean => layout.at.has(name);
  const given = (...names: readonly string[]): string =>
    names.flatMap((name) => (known(name) ? [`${raw(layout.at.get(name) as number)} IS NOT NULL`] : [])).join(' OR ') || 'false';
  const refused: Check[] = [
    ...BILL_COLUMNS.flatMap(({ name, kind }): Check[] => {
      const index = layout.at.get(name);
      if (index === undefined) return [];
      if (kind === 'amount' && name.endsWith('_cost'))
        return [
          { code: 'not_a_number', column: name, when: `${raw(index)} IS NOT NULL AND ${name} IS NULL` },
          { code: 'too_large', column: name, when: `abs(${name}) >= ${COST_LIMIT}` },
        ];
      return kind === 'time' ? [{ code: 'not_a_time', column: name, when: `${raw(index)} IS NOT NULL AND ${name} IS NULL` }] : [];
    }),
    { code: 'missing_cost', column: 'effective_cost', when: `NOT (${given('effective_cost', 'billed_cost')})` },
    {
      code: 'missing_period',
      column: 'charge_period_start',
      when: `NOT (${given('charge_period_start', 'billing_period_start')}) OR NOT (${given('charge_period_end', 'billing_period_end')})`,
    },
    { code: 'backward_period', column: 'charge_period_end', when: `${FILLED['charge_period_end']} <= ${FILLED['charge_period_start']}` },
  ];
  const noted: Check[] = [
    ...(known('billing_currency')
      ? [{ code: 'missing_currency', column: 'billing_currency', when: 'billing_currency IS NULL' } as const]
      : []),
    ...(known('effective_cost')
      ? [{ code: 'cost_from_billed', column: 'effective_cost', when: 'effective_cost IS NULL AND billed_cost IS NOT NULL' } as const]
      : []),
    ...BILL_COLUMNS.flatMap(({ name, kind }): Check[] => {
      const index = layout.at.get(name);
      return kind === 'amount' && index !== undefined
        ? [{ code: 'rounded', column: name, when: `regexp_matches(${raw(index)}, ${TOO_FINE})` }]
        : [];
    }),
    // A quantity or price that cannot be read leaves the cost as it is.
    ...BILL_COLUMNS.flatMap(({ name, kind }): Check[] => {
      const index = layout.at.get(name);
      return kind === 'amount' && index !== undefined && !name.endsWith('_cost')
        ? [{ code: 'not_a_number', column: name, when: `${raw(index)} IS NOT NULL AND ${name} IS NULL` }]
        : [];
    }),
    ...RULES.filter(({ code }) => (NEEDS[code] ?? []).every(known)),
  ];
  return [...refused, ...noted];
}
/** How many of the checks, from the first, refuse the row. */
export const refusing = (checks: readonly Check[]): number => checks.findIndex(({ code }) => code === 'missing_cost') + 3;

/** staged: one row per line that fits the header, in the file's order, typed, with the problems it has. */
export function stageSql(path: string, header: BillHeader, layout: BillLayout, checks: readonly Check[], maxRows: number): string {
  const typed = BILL_COLUMNS.map((column) => `${columnSql(layout, column)}::${billType(column)} AS ${column.name}`);
  const others = layout.other.map((i) => `{'key': ${textLiteral(layout.header[i] ?? '')}, 'value': ${raw(i)}}`);
  const other =
    others.length === 0 ? 'NULL' : `map_from_entries(list_filter([${others.join(', ')}], lambda entry: entry.value IS NOT NULL))`;
  // The columns by name: the same row in a file with its columns in another order is the same row.
  const all = header.columns.map((name, i) => ({ name: name.toLowerCase(), i })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const text = `concat_ws(chr(31), ${all.map(({ i }) => `coalesce(${raw(i)}, '')`).join(', ')})`;
  const flags = checks.map(({ when }, i) => `CASE WHEN ${when} THEN ${i} END`).join(',\n    ');
  return `CREATE TEMP TABLE staged AS
SELECT * EXCLUDE (checked), list_filter(checked, lambda code: code IS NOT NULL) AS codes
FROM (
  SELECT row_number() OVER () AS row_number, ${typed.join(',\n    ')}, (${other})::MAP(VARCHAR, VARCHAR) AS other, md5_number(${text}) AS row_hash,
    CASE WHEN contains(${text}, chr(10)) THEN length(${text}) - length(replace(${text}, chr(10), '')) ELSE 0 END AS breaks,
    [${flags || 'NULL'}]::USMALLINT[] AS checked
  FROM (SELECT * FROM ${readCsv(path, header)} LIMIT ${maxRows + 1}) AS r
)`;
}

/** Rows that are taken. */
const taken = (firstNoted: number): string => `(SELECT * FROM staged WHERE NOT list_has_any(codes, range(${firstNoted})::USMALLINT[]))`;
/**
 * Adds the rows. Those that other bills brought already, as often as they brought them, are left out: a file that
 * covers last month's days again adds only what is new, whatever the order of import. @param first no bill is there yet
 */
export function insertSql(billId: string, firstNoted: number, first: boolean): string {
  const columns = BILL_COLUMNS.map(({ name }) => FILLED[name] ?? name).join(', ');
  const into = `INSERT INTO ${BILLS}.main.bill_rows\nSELECT ${textLiteral(billId)}, row_number + 1, row_hash, ${columns}, other`;
  if (first) return `${into}\nFROM ${taken(firstNoted)}`;
  return `${into}
FROM (SELECT *, row_number() OVER (PARTITION BY row_hash ORDER BY row_number) AS nth FROM ${taken(firstNoted)}) AS t
LEFT JOIN (SELECT row_hash AS known_hash, count(*) AS brought FROM ${BILLS}.main.bill_rows WHERE row_hash IN (SELECT row_hash FROM staged) GROUP BY 1) AS k ON k.known_hash = t.row_hash
WHERE nth > coalesce(brought, 0)
ORDER BY row_number`;
}

/** Per problem: place in `checks`, rows that have it, and the first lines. */
export const problemsSql = (firstRows: number): string => `SELECT code::INTEGER AS code, count(*)::DOUBLE AS n,
  array_to_string(list_slice(list(row_number ORDER BY row_number), 1, ${firstRows}), ',') AS rows
FROM (SELECT row_number, unnest(codes) AS code FROM staged) GROUP BY code ORDER BY code`;
/** Line breaks inside of quoted values before a row move its line down. */
export const breaksSql =
  'SELECT row_number::DOUBLE AS row_number, breaks::DOUBLE AS breaks FROM staged WHERE breaks > 0 ORDER BY row_number LIMIT 10000';
/** Lines that do not fit the header, with what is wrong with them, and how many there are. */
export const rejectsSql = `SELECT line::DOUBLE AS line, error_message, (SELECT count(DISTINCT line) FROM reject_errors)::DOUBLE AS n
FROM reject_errors QUALIFY row_number() OVER (PARTITION BY line ORDER BY column_idx) = 1 ORDER BY line LIMIT 10000`;
export const stagedSql = (
  firstNoted: number,
): string => `SELECT (SELECT count(*) FROM staged)::DOUBLE AS rows, (SELECT count(*) FROM ${taken(firstNoted)})::DOUBLE AS taken,
  epoch_ms(min(coalesce(charge_period_start, billing_period_start)))::DOUBLE AS start_ms, epoch_ms(max(coalesce(charge_period_end, billing_period_end)))::DOUBLE AS end_ms,
  coalesce(mode(service_provider_name), mode(invoice_issuer_name), '') AS provider
FROM ${taken(firstNoted)}`;
/** What of the bill is in the table, per currency. Exact: DECIMAL sums as text. */
export const totalsSql = (
  billId: string,
): string => `SELECT billing_currency AS currency, count(*)::DOUBLE AS rows, sum(billed_cost)::VARCHAR AS billed, sum(effective_cost)::VARCHAR AS effective
FROM ${BILLS}.main.bill_rows WHERE bill_id = ${textLiteral(billId)} GROUP BY 1 ORDER BY rows DESC, currency`;
export const unbalancedSql = `SELECT count(*)::DOUBLE AS n, min(commitment_discount_id) AS first FROM (
  SELECT commitment_discount_id, sum(effective_cost) FILTER (charge_category = 'Usage') AS used, sum(billed_cost) FILTER (charge_category = 'Purchase') AS paid
  FROM staged WHERE commitment_discount_id IS NOT NULL GROUP BY 1
) WHERE used IS NOT NULL AND paid IS NOT NULL AND abs(used::DOUBLE - paid::DOUBLE) > 0.01`;
/** Other bills of the provider with a row in the period. */
export const overlapSql = (
  startMs: number,
  endMs: number,
  provider: string,
): string => `SELECT f.bill_id, json_extract_string(f.json, '$.name') AS name FROM ${BILLS}.main.bill_files f
WHERE (f.json::JSON->>'$.startMs')::DOUBLE < ${endMs} AND (f.json::JSON->>'$.endMs')::DOUBLE > ${startMs} AND json_extract_string(f.json, '$.provider') = ${textLiteral(provider)} LIMIT 5`;

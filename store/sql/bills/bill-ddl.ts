import { BILL_COLUMNS, type BillColumn } from '../../bills/bill-columns.ts';

/** Name the file of bills is attached under. */
export const BILLS = 'bills';
const SQL_TYPE: Readonly<Record<BillColumn['kind'], string>> = {
  text: 'VARCHAR',
  // Never a double: sums of bills are exact. 20 digits before the point, 18 after it.
  amount: 'DECIMAL(38,18)',
  time: 'TIMESTAMP',
  tags: 'MAP(VARCHAR, VARCHAR)',
};
export const billType = (column: BillColumn): string => SQL_TYPE[column.kind];
const OWN = ['bill_id VARCHAR', 'line UBIGINT', 'row_hash UHUGEINT'];
const stored = BILL_COLUMNS.map((column) => `${column.name} ${billType(column)}`);

/** Its own file: a bill of millions of rows must not weigh on the catalog, nor share its fate. */
export const billsDdl = (database: string, version: number): string[] => [
  `CREATE TABLE ${database}.main.bill_files (bill_id VARCHAR NOT NULL, imported_ms DOUBLE NOT NULL, json VARCHAR NOT NULL)`,
  `CREATE TABLE ${database}.main.bill_rows (${[...OWN, ...stored, 'other MAP(VARCHAR, VARCHAR)'].join(', ')})`,
  `CREATE TABLE ${database}.main.schema_version (version INTEGER NOT NULL)`,
  `INSERT INTO ${database}.main.schema_version VALUES (${version})`,
];
const SHOWN = ['bill_id', 'line', ...BILL_COLUMNS.map(({ name }) => name), 'other'];
/** The view `bill`; before the first import there is no file to read. */
export function billViewSql(attached: boolean): string {
  const from = attached
    ? `SELECT ${SHOWN.join(', ')} FROM ${BILLS}.main.bill_rows`
    : `SELECT NULL::VARCHAR AS bill_id, NULL::UBIGINT AS line, ${BILL_COLUMNS.map((column) => `NULL::${billType(column)} AS ${column.name}`).join(', ')}, NULL::MAP(VARCHAR, VARCHAR) AS other WHERE false`;
  return `CREATE OR REPLACE VIEW memory.main.bill AS ${from}`;
}

import { DataType, type Table, TimeUnit, tableFromIPC, type Vector } from 'apache-arrow';

export type AnswerFormat = 'table' | 'json' | 'csv';
type Cell = string | number | boolean | null | readonly Cell[] | { readonly [key: string]: Cell };

const PER_SECOND = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
};
/** RFC 3339 UTC with all digits the unit has. */
function rfc3339(value: bigint, unit: TimeUnit): string {
  const per = PER_SECOND[unit];
  let seconds = value / per;
  let rest = value % per;
  if (rest < 0n) {
    rest += per;
    seconds -= 1n;
  }
  const digits = String(per).length - 1;
  const whole = new Date(Number(seconds) * 1000);
  const date = Number.isNaN(whole.getTime()) ? `${seconds}s` : whole.toISOString().slice(0, 19);
  return `${date}${digits > 0 ? `.${String(rest).padStart(digits, '0')}` : ''}Z`;
}
/** Arrow's own getter makes a lossy number of nanoseconds: read the 64 bits. */
function timeCell(column: Vector, row: number): Cell {
  const type = column.type as { unit: TimeUnit };
  let index = row;
  for (const data of column.data) {
    if (index < data.length) return data.getValid(index) ? rfc3339((data.values as BigInt64Array)[index] as bigint, type.unit) : null;
    index -= data.length;
  }
  return null;
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return hex(value);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return toCell((value as { toJSON(): unknown }).toJSON());
  if (Symbol.iterator in (value as object)) return Array.from(value as Iterable<unknown>, toCell);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toCell(each)]));
}
function cellsOf(table: Table): { readonly names: string[]; readonly rows: Generator<Cell[]> } {
  const columns = table.schema.fields.map((_, index) => table.getChildAt(index) as Vector);
  const names = table.schema.fields.map((field) => field.name);
  function* rows(): Generator<Cell[]> {
    for (let row = 0; row < table.numRows; row++)
      yield columns.map((column) => (DataType.isTimestamp(column.type) ? timeCell(column, row) : toCell(column.get(row))));
  }
  return { names, rows: rows() };
}

const text = (cell: Cell): string => (cell === null ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell));
const csvField = (field: string): string => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
/** RFC 4180, with its end. */
export const csvLine = (fields: readonly string[]): string => `${fields.map(csvField).join(',')}\r\n`;
/** Control characters of telemetry must not steer the terminal. */
export const visible = (field: string): string => field.replace(/\p{Cc}/gu, (c) => (c === '\n' ? '⏎' : '·'));

/** An Arrow stream as text: `json` an array of objects, `csv` RFC 4180 with a header, `table` for people. */
export function formatTable(stream: Uint8Array, format: AnswerFormat): string {
  const { names, rows } = cellsOf(tableFromIPC(stream));
  if (format === 'json') {
    const objects = Array.from(rows, (row) => JSON.stringify(Object.fromEntries(names.map((name, index) => [name, row[index]]))));
    return objects.length === 0 ? '[]\n' : `[\n${objects.join(',\n')}\n]\n`;
  }
  const lines = Array.from(rows, (row) => row.map(text));
  if (format === 'csv') return [names, ...lines].map(csvLine).join('');
  return alignedTable(
    names,
    lines.map((line) => line.map(visible)),
  );
}
export function alignedTable(names: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = names.map((name, index) => lines.reduce((most, line) => Math.max(most, (line[index] ?? '').length), name.length));
  const row = (line: readonly string[]): string =>
    line
      .map((field, index) => field.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  return `${[names, rule, ...lines].map(row).join('\n')}\n`;
}

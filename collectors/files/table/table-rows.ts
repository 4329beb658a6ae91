import { isUtf8 } from 'node:buffer';
import type { Bytes, RefusedRecord } from '../file-record.ts';
import { type Line, readLines, tooLongLine } from '../read-lines.ts';
import { readObjects } from '../read-objects.ts';
import { parseCsvRecord, sniffDelimiter } from './csv-line.ts';

export type Cell = string | number | boolean | null;
export interface TableRow {
  readonly line: number;
  readonly offset: number;
  readonly cells: Readonly<Record<string, Cell>>;
}
export type TableRows = AsyncGenerator<TableRow | RefusedRecord>;
/** Lines a quoted field may go on for. */
const MAX_QUOTED_LINES = 100;
const MAX_QUOTED_CHARS = 256 * 1024;

function cellsOf(names: readonly string[], fields: readonly string[]): Record<string, Cell> {
  const cells: Record<string, Cell> = Object.create(null) as Record<string, Cell>;
  for (const [at, name] of names.entries()) cells[name] = fields[at] === '' ? null : (fields[at] as string);
  return cells;
}
/** Names of the header; a missing or repeated one gets its place as its name. */
function headerNames(fields: readonly string[]): string[] {
  const seen = new Set<string>();
  return fields.map((field, at) => {
    const name = field.trim();
    const own = name === '' || seen.has(name) ? `column${at + 1}` : name;
    seen.add(own);
    return own;
  });
}
/** A record of CSV whose quotes may go over several lines. */
class CsvReader {
  private delimiter = ',';
  private names: string[] | null = null;
  /** Lines of a record whose quote is not closed yet. */
  private open: { readonly line: Line; readonly text: string }[] = [];

  *feed(line: Line, text: string): Generator<TableRow | RefusedRecord> {
    if (this.names === null) this.delimiter = sniffDelimiter(text) ?? ',';
    const joined = this.open.length > 0 ? [...this.open.map((each) => each.text), text].join('\n') : text;
    const fields = parseCsvRecord(joined, this.delimiter);
    const begin = this.open[0]?.line ?? line;
    if (fields === 'open' || (fields === 'broken' && this.open.length === 0)) {
      this.open.push({ line: { ...line, bytes: null }, text });
      if (fields === 'broken' || this.open.length > MAX_QUOTED_LINES || joined.length > MAX_QUOTED_CHARS) yield* this.giveUp();
      return;
    }
    if (fields === 'broken') {
      this.open.push({ line: { ...line, bytes: null }, text });
      yield* this.giveUp();
      return;
    }
    this.open = [];
    if (this.names === null) this.names = headerNames(fields);
    else yield this.rowOf(begin, fields, this.names);
  }
  private rowOf({ number, offset }: Line, fields: readonly string[], names: readonly string[]): TableRow | RefusedRecord {
    if (fields.length === names.length) return { line: number, offset, cells: cellsOf(names, fields) };
    return { line: number, offset, reason: 'malformed', message: `the row has ${fields.length} fields, the header ${names.length}` };
  }
  /** Refuses the first of the open lines, and reads the others again. */
  *giveUp(): Generator<TableRow | RefusedRecord> {
    const [first, ...rest] = this.open;
    this.open = [];
    if (!first) return;
    const { number, offset } = first.line;
    yield { line: number, offset, reason: 'malformed', message: 'a quote is not closed, or text follows one that is' };
    for (const { line, text } of rest) yield* this.feed(line, text);
  }
  *end(): Generator<TableRow | RefusedRecord> {
    while (this.open.length > 0) yield* this.giveUp();
  }
}
/** CSV by RFC 4180 with the delimiter of its header. A bad row takes no other with it: where a quote stays open, reading goes on behind its first line. */
export async function* readCsvRows(content: Bytes): TableRows {
  const reader = new CsvReader();
  for await (const lines of readLines(content)) {
    for (const line of lines) {
      if (line.bytes === null) {
        yield* reader.end();
        yield tooLongLine(line);
      } else if (isUtf8(line.bytes)) yield* reader.feed(line, line.bytes.toString('utf8'));
      else {
        yield* reader.end();
        yield { line: line.number, offset: line.offset, reason: 'invalid_utf8', message: 'the row is not valid UTF-8' };
      }
    }
  }
  yield* reader.end();
}
/** Objects; what is nested in one becomes the JSON of it. */
export async function* readObjectRows(content: Bytes): TableRows {
  for await (const object of readObjects(content)) {
    if ('reason' in object) {
      yield object;
      continue;
    }
    const cells: Record<string, Cell> = Object.create(null) as Record<string, Cell>;
    for (const [name, value] of Object.entries(object.fields)) cells[name] = cellOf(value);
    yield { line: object.line, offset: object.offset, cells };
  }
}
export function cellOf(value: unknown): Cell {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value ?? null;
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

import { timeOfIso, timeOfValue } from '#collectors/tail/line-time.ts';
import { ROLES, type Role } from '#contracts/file-formats.ts';
import type { TableMapping, TablePreview } from '#contracts/import-files.ts';
import type { Cell, TableRow } from './table-rows.ts';

/** Names columns have for what they hold, likeliest first; compared in lower case without separators. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  time: [
    'timestamp',
    'time',
    'ts',
    'datetime',
    'eventtime',
    'starttime',
    'timeunixnano',
    'starttimeunixnano',
    'start',
    'date',
    'createdat',
    't',
  ],
  body: ['message', 'msg', 'body', 'log', 'logline', 'line', 'text', 'content', 'event', 'description'],
  severity: ['severity', 'level', 'severitytext', 'loglevel', 'lvl', 'priority'],
  service: ['servicename', 'service', 'app', 'application', 'component'],
  trace_id: ['traceid'],
  span_id: ['spanid'],
  parent_id: ['parentspanid', 'parentid'],
  name: ['metric', 'metricname', 'operationname', 'operation', 'spanname', 'name'],
  duration: ['durationns', 'durationus', 'durationms', 'duration', 'durations', 'elapsedms', 'elapsed', 'latencyms', 'latency'],
  end: ['endtime', 'endtimeunixnano', 'end'],
  value: ['value', 'val', 'gauge'],
};
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
export type ColumnType = TablePreview['columns'][number]['type'];
export const numberOf = (cell: Cell | undefined): number | null => {
  if (typeof cell === 'number') return cell;
  if (typeof cell !== 'string' || !/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(cell)) return null;
  return Number(cell);
};
function typeOf(cell: Cell): ColumnType {
  if (cell === null || cell === '') return 'empty';
  if (typeof cell === 'boolean' || cell === 'true' || cell === 'false') return 'boolean';
  if (numberOf(cell) !== null || /^(?:nan|[-+]?inf)$/i.test(String(cell))) return 'number';
  return timeOfIso(String(cell)) === null ? 'text' : 'time';
}
/** Most cells of a column say what it is: a few bad ones are for its rows to tell. */
const MOST = 0.8;
/** Names in the order they are met, and what their cells are. */
export function columnsOf(rows: readonly TableRow[]): TablePreview['columns'] {
  const counts = new Map<string, Map<ColumnType, number>>();
  for (const { cells } of rows)
    for (const [name, cell] of Object.entries(cells)) {
      const types = counts.get(name) ?? new Map<ColumnType, number>();
      counts.set(name, types);
      const type = typeOf(cell);
      types.set(type, (types.get(type) ?? 0) + 1);
    }
  return [...counts].slice(0, 1_000).map(([name, types]) => {
    types.delete('empty');
    const all = [...types.values()].reduce((sum, count) => sum + count, 0);
    const [best] = [...types].sort(([, a], [, b]) => b - a);
    return { name, type: !best ? 'empty' : best[1] >= all * MOST || (all > 2 && best[1] === all - 1) ? best[0] : 'text' };
  });
}

/** What the columns most likely are, by their names and what is in them. */
export function proposeMapping(columns: TablePreview['columns'], rows: readonly TableRow[]): TableMapping {
  const taken = new Set<string>();
  const find = (role: Role, fits: (type: ColumnType) => boolean = () => true): string[] => {
    for (const name of NAMES[role]) {
      const column = columns.find((each) => plain(each.name) === name && !taken.has(each.name) && fits(each.type));
      if (!column) continue;
      taken.add(column.name);
      return [column.name];
    }
    return [];
  };
  const isTime = ({ name, type }: { readonly name: string; readonly type: ColumnType }): boolean =>
    type === 'time' ||
    (type === 'number' && rows.every(({ cells }) => (cells[name] ?? null) === null || timeOfValue(String(cells[name])) !== null));
  let time = find('time', (type) => type === 'time' || type === 'number');
  if (time.length === 0) {
    const first =
      columns.find((column) => column.type === 'time') ?? columns.find((column) => /time|date|ts$/i.test(column.name) && isTime(column));
    if (first) {
      time = [first.name];
      taken.add(first.name);
    }
  }
  const traceId = find('trace_id');
  const spanId = find('span_id');
  const service = find('service', (type) => type !== 'number');
  const severity = find('severity');
  const some = (roles: Partial<Record<Role, string[]>>): TableMapping['roles'] =>
    Object.fromEntries(Object.entries(roles).filter(([, names]) => names.length > 0));
  const duration = find('duration', (type) => type === 'number');
  const end = find('end');
  if (traceId.length > 0 && spanId.length > 0 && time.length > 0 && duration.length + end.length > 0) {
    const roles = { time, trace_id: traceId, span_id: spanId, parent_id: find('parent_id'), name: find('name'), duration, end, service };
    return { kind: 'spans', roles: some(roles) };
  }
  for (const name of [...duration, ...end]) taken.delete(name);
  const body = find('body', (type) => type === 'text');
  const numbers = columns.filter(({ name, type }) => type === 'number' && !taken.has(name)).map(({ name }) => name);
  if (body.length === 0 && severity.length === 0 && time.length > 0 && numbers.length > 0) {
    const value = find('value', (type) => type === 'number');
    const name = value.length > 0 ? find('name', (type) => type === 'text') : [];
    return { kind: 'metrics', roles: some({ time, name, value: value.length > 0 ? value : numbers, service }) };
  }
  if (body.length === 0) {
    const longest = columns.find(({ name, type }) => type === 'text' && !taken.has(name));
    if (longest) body.push(longest.name);
  }
  return { kind: 'logs', roles: some({ time, body, severity, service, trace_id: traceId, span_id: spanId }) };
}

/** Why rows could not be read so; empty: they can. */
export function mappingProblems(mapping: TableMapping, columns: readonly string[]): string[] {
  const problems: string[] = [];
  for (const role of ROLES) {
    const names = mapping.roles[role] ?? [];
    for (const name of names) if (!columns.includes(name)) problems.push(`There is no column "${name}" for ${role}.`);
    if (names.length > 1 && role !== 'value') problems.push(`${role} takes one column, not ${names.length}.`);
  }
  const needs: Readonly<Record<TableMapping['kind'], readonly Role[]>> = {
    logs: [],
    metrics: ['time', 'value'],
    spans: ['time', 'trace_id', 'span_id'],
  };
  for (const role of needs[mapping.kind]) if (!mapping.roles[role]?.length) problems.push(`${mapping.kind} need a column for ${role}.`);
  return problems;
}
/** "kind=logs,time=ts,body=message,value=a+b" over what was proposed. @throws Error with a sentence */
export function parseMapping(text: string, proposed: TableMapping | null): TableMapping {
  let kind = proposed?.kind ?? 'logs';
  const roles: Partial<Record<Role, string[]>> = { ...proposed?.roles };
  for (const part of text.split(',')) {
    const [key = '', ...rest] = part.split('=');
    const value = rest.join('=').trim();
    if (key.trim() === 'kind') {
      if (value !== 'logs' && value !== 'metrics' && value !== 'spans') throw new Error(`kind is logs, metrics or spans, not "${value}".`);
      kind = value;
    } else if ((ROLES as readonly string[]).includes(key.trim())) {
      if (value === '') delete roles[key.trim() as Role];
      else roles[key.trim() as Role] = value.split('+').map((name) => name.trim());
    } else throw new Error(`"${part}" is no ROLE=COLUMN; roles are kind, ${ROLES.join(', ')}.`);
  }
  return { kind, roles };
}

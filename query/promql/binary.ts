import type { BinaryExpr, VectorMatching } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { operateMixed } from './histogram-operators.ts';
import { entriesOf, keepLabels, type Labels, labelOf, labelsOf, METRIC_NAME, withoutName } from './labels.ts';
import {
  EvaluationError,
  emptyRow,
  isThere,
  joined,
  NOTHING,
  type Notes,
  put,
  type Row,
  type Sample,
  sampleAt,
  type Value,
} from './value.ts';

/** Operators between numbers, between a vector and a number, and between vectors that are matched by their labels. */
const ARITHMETIC: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': (left, right) => left ** right,
  atan2: Math.atan2,
};
const COMPARISON: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};
interface Operation {
  /** The metric's name goes: the result is no longer what it was. */
  readonly dropsName: boolean;
  /** @param kept what stays of a comparison without bool. @returns undefined: no sample */
  apply(left: Sample, right: Sample, kept: Sample): Sample | undefined;
}
function operationOf(expr: BinaryExpr, notes: Notes): Operation {
  const { operator, bool } = expr;
  const compare = COMPARISON[operator];
  const compute = ARITHMETIC[operator];
  return {
    dropsName: compute !== undefined || bool,
    apply: (left, right, kept) => {
      const areNumbers = typeof left === 'number' && typeof right === 'number';
      if (areNumbers && compute) return compute(left, right);
      const found = areNumbers && compare ? compare(left, right) : operateMixed(expr, left, right, notes);
      if (typeof found !== 'boolean') return found;
      return bool ? Number(found) : found ? kept : undefined;
    },
  };
}

export function evaluateBinary(evaluator: Evaluator, expr: BinaryExpr): Value {
  const [left, right] = [evaluator.value(expr.left), evaluator.value(expr.right)];
  if (left.type === 'scalar' && right.type === 'scalar') {
    const { apply } = operationOf({ ...expr, bool: true }, evaluator.notes);
    return { type: 'scalar', values: left.values.map((value, i) => apply(value, right.values[i] as number, value) as number) };
  }
  const operation = operationOf(expr, evaluator.notes);
  if (left.type === 'vector' && right.type === 'scalar')
    return { type: 'vector', rows: withNumber(left.rows, operation, (value, i) => [value, right.values[i] as number]) };
  if (left.type === 'scalar' && right.type === 'vector')
    return { type: 'vector', rows: withNumber(right.rows, operation, (value, i) => [left.values[i] as number, value]) };
  if (left.type !== 'vector' || right.type !== 'vector')
    throw new EvaluationError('binary expression must contain only scalar and instant vector types');
  const rows = ['and', 'or', 'unless'].includes(expr.operator)
    ? setOperation(left.rows, right.rows, expr, evaluator.grid.count)
    : matched(left.rows, right.rows, expr, operation, evaluator);
  return { type: 'vector', rows };
}

function withNumber(rows: readonly Row[], operation: Operation, sides: (value: Sample, i: number) => [left: Sample, right: Sample]): Row[] {
  const found: Row[] = [];
  for (const before of rows) {
    const row = emptyRow(before.labels, before.values.length, before.dropName || operation.dropsName);
    for (let i = 0; i < before.values.length; i++) {
      const sample = sampleAt(before, i);
      if (sample === undefined) continue;
      const [left, right] = sides(sample, i);
      put(row, i, operation.apply(left, right, sample));
    }
    if (isThere(row)) found.push(row);
  }
  return found;
}

/** The labels two series must have in common. */
function groupLabels(labels: Labels, { on, labels: names }: VectorMatching): Labels {
  return keepLabels(labels, on ? (name) => names.includes(name) : (name) => name !== METRIC_NAME && !names.includes(name));
}

function setOperation(left: readonly Row[], right: readonly Row[], { operator, matching }: BinaryExpr, count: number): Row[] {
  const there = (rows: readonly Row[]): Map<string, Uint8Array> => {
    const groups = new Map<string, Uint8Array>();
    for (const { labels, has } of rows) {
      const { key } = groupLabels(labels, matching);
      const group = groups.get(key) ?? new Uint8Array(count);
      for (let i = 0; i < count; i++) if (has[i] !== NOTHING) group[i] = 1;
      groups.set(key, group);
    }
    return groups;
  };
  const kept = (rows: readonly Row[], others: ReadonlyMap<string, Uint8Array>, isWanted: boolean): Row[] =>
    rows.flatMap((row) => {
      const group = others.get(groupLabels(row.labels, matching).key);
      const has = row.has.map((own, i) => (((group?.[i] ?? 0) === 1) === isWanted ? own : NOTHING));
      return has.some((own) => own !== NOTHING) ? [{ ...row, has }] : [];
    });
  if (operator === 'or') return joinRows([...left, ...kept(right, there(left), false)]);
  return kept(left, there(right), operator === 'and');
}
/** Series of both sides that have the same labels, at different times, are one. */
function joinRows(rows: readonly Row[]): Row[] {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.dropName}${row.labels.key}`;
    const before = found.get(key);
    const both = before ? joined(before, row) : row;
    found.set(both ? key : `${key}\n${found.size}`, both ?? row);
  }
  return [...found.values()];
}

function matched(
  left: readonly Row[],
  right: readonly Row[],
  expr: BinaryExpr,
  operation: Operation,
  { grid: { count }, budget }: Evaluator,
): Row[] {
  const { matching } = expr;
  // The "one" side is the right one, but for group_right.
  const isSwapped = matching.group === 'right';
  const [many, one] = isSwapped ? [right, left] : [left, right];
  const groupsOf = (rows: readonly Row[]): Map<string, Row[]> => {
    const groups = new Map<string, Row[]>();
    for (const row of rows) {
      const { key } = groupLabels(row.labels, matching);
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    return groups;
  };
  const [manyGroups, oneGroups] = [groupsOf(many), groupsOf(one)];
  // With group_right too: Prometheus 3.14 takes the sides after it has swapped them.
  const { fillLeft: fillMany, fillRight: fillOne } = matching;
  const found = new Map<string, Row>();
  const rowOf = (manyRow: Row | null, oneRow: Row | null, group: Labels): Row => {
    const { dropsName } = operation;
    const labels = resultLabels(manyRow?.labels ?? group, oneRow?.labels ?? null, expr, !dropsName);
    const row = found.get(labels.key) ?? emptyRow(labels, count, dropsName || (manyRow?.dropName ?? false));
    found.set(labels.key, row);
    return row;
  };
  /** The row of a pair: mostly the same one at each time. */
  const pairs = new Map<Row, { readonly oneRow: Row | null; readonly row: Row }>();
  const rowOfPair = (manyRow: Row, oneRow: Row | null, group: Labels): Row => {
    const known = pairs.get(manyRow);
    if (known?.oneRow === oneRow) return known.row;
    const row = rowOf(manyRow, oneRow, group);
    pairs.set(manyRow, { oneRow, row });
    return row;
  };
  const give = (i: number, manyRow: Row | null, oneRow: Row | null, group: Labels): void => {
    const [manyValue, oneValue] = [
      (manyRow ? sampleAt(manyRow, i) : fillMany) as Sample,
      (oneRow ? sampleAt(oneRow, i) : fillOne) as Sample,
    ];
    const [l, r] = isSwapped ? [oneValue, manyValue] : [manyValue, oneValue];
    const value = operation.apply(l, r, l);
    if (value === undefined && manyRow === null) return;
    const row = manyRow ? rowOfPair(manyRow, oneRow, group) : rowOf(null, oneRow, group);
    if (value === undefined) return;
    if (row.has[i] !== NOTHING)
      throw new EvaluationError(
        matching.group
          ? 'grouping labels must ensure unique matches'
          : 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      );
    put(row, i, value);
  };
  for (const [key, rows] of oneGroups) {
    budget.check();
    const group = groupLabels((rows[0] as Row).labels, matching);
    for (let i = 0; i < count; i++) {
      const there = rows.filter((row) => row.has[i] !== NOTHING);
      if (there.length > 1 && (manyGroups.get(key)?.some((row) => row.has[i] !== NOTHING) || fillMany !== null))
        throw duplicates(group, there, isSwapped);
      const manyThere = (manyGroups.get(key) ?? []).filter((row) => row.has[i] !== NOTHING);
      if (!matching.group && manyThere.length > 1 && there.length > 0)
        throw new EvaluationError('multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)');
      if (there.length === 1 && manyThere.length === 0 && fillMany !== null) give(i, null, there[0] as Row, group);
      if (there.length === 1) for (const row of manyThere) give(i, row, there[0] as Row, group);
    }
  }
  if (fillOne !== null) {
    for (const [key, rows] of manyGroups) {
      const group = groupLabels((rows[0] as Row).labels, matching);
      for (let i = 0; i < count; i++) {
        if (oneGroups.get(key)?.some((row) => row.has[i] !== NOTHING)) continue;
        for (const row of rows) if (row.has[i] !== NOTHING) give(i, row, null, group);
      }
    }
  }
  return [...found.values()].filter(isThere);
}
const shown = (labels: Labels): string =>
  `{${entriesOf(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`;
function duplicates(group: Labels, [first, second]: readonly Row[], isSwapped: boolean): EvaluationError {
  return new EvaluationError(
    `found duplicate series for the match group ${shown(group)} on the ${isSwapped ? 'left' : 'right'} hand-side of the operation: [${shown((second as Row).labels)}, ${shown((first as Row).labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
  );
}
/** Labels of a pair: those matched on, or those of the "many" side with what is asked for of the other one. */
function resultLabels(many: Labels, one: Labels | null, { matching }: BinaryExpr, keepsName: boolean): Labels {
  const isOneToOne = matching.group === null;
  const labels = keepsName ? many : withoutName(many);
  if (isOneToOne) {
    const { on, labels: names } = matching;
    return keepLabels(labels, on ? (name) => names.includes(name) : (name) => !names.includes(name));
  }
  if (matching.include.length > 0 && one) {
    const taken = matching.include.map((name) => [name, labelOf(one, name)] as const);
    return labelsOf([...entriesOf(labels).filter(([name]) => !matching.include.includes(name)), ...taken]);
  }
  return labels;
}

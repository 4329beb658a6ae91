import type { BinaryExpr, VectorMatching } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { entriesOf, keepLabels, type Labels, labelOf, labelsOf, METRIC_NAME, withoutName } from './labels.ts';
import { EvaluationError, emptyRow, type Row, type Value } from './value.ts';

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
/** What stays of a comparison without bool is the vector's side. */
interface Operation {
  readonly isComparison: boolean;
  readonly bool: boolean;
  /** @returns undefined: no sample */
  apply(left: number, right: number, kept: number): number | undefined;
}
function operationOf({ operator, bool }: BinaryExpr): Operation {
  const compare = COMPARISON[operator];
  if (!compare) {
    const compute = ARITHMETIC[operator];
    // Trimming is for native histograms: of a float nothing is left.
    return { isComparison: false, bool, apply: (left, right) => compute?.(left, right) };
  }
  return {
    isComparison: true,
    bool,
    apply: (left, right, kept) => (bool ? Number(compare(left, right)) : compare(left, right) ? kept : undefined),
  };
}

export function evaluateBinary(evaluator: Evaluator, expr: BinaryExpr): Value {
  const [left, right] = [evaluator.value(expr.left), evaluator.value(expr.right)];
  if (left.type === 'scalar' && right.type === 'scalar') {
    const { apply } = operationOf({ ...expr, bool: true });
    return { type: 'scalar', values: left.values.map((value, i) => apply(value, right.values[i] as number, value) as number) };
  }
  if (left.type === 'vector' && right.type === 'scalar')
    return { type: 'vector', rows: withNumber(left.rows, operationOf(expr), (value, i) => [value, right.values[i] as number]) };
  if (left.type === 'scalar' && right.type === 'vector')
    return { type: 'vector', rows: withNumber(right.rows, operationOf(expr), (value, i) => [left.values[i] as number, value]) };
  if (left.type !== 'vector' || right.type !== 'vector')
    throw new EvaluationError('binary expression must contain only scalar and instant vector types');
  const rows = ['and', 'or', 'unless'].includes(expr.operator)
    ? setOperation(left.rows, right.rows, expr, evaluator.grid.count)
    : matched(left.rows, right.rows, expr, evaluator.grid.count);
  return { type: 'vector', rows };
}

function withNumber(rows: readonly Row[], operation: Operation, sides: (value: number, i: number) => [left: number, right: number]): Row[] {
  const found: Row[] = [];
  for (const { labels, dropName, values, has } of rows) {
    const row = emptyRow(labels, values.length, dropName || !operation.isComparison || operation.bool);
    for (let i = 0; i < values.length; i++) {
      if (has[i] === 0) continue;
      const [left, right] = sides(values[i] as number, i);
      put(row, i, operation.apply(left, right, values[i] as number));
    }
    if (row.has.includes(1)) found.push(row);
  }
  return found;
}
function put(row: Row, i: number, value: number | undefined): void {
  if (value === undefined) return;
  row.values[i] = value;
  row.has[i] = 1;
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
      for (let i = 0; i < count; i++) if (has[i] === 1) group[i] = 1;
      groups.set(key, group);
    }
    return groups;
  };
  const kept = (rows: readonly Row[], others: ReadonlyMap<string, Uint8Array>, isWanted: boolean): Row[] =>
    rows.flatMap((row) => {
      const group = others.get(groupLabels(row.labels, matching).key);
      const has = row.has.map((own, i) => (own === 1 && ((group?.[i] ?? 0) === 1) === isWanted ? 1 : 0));
      return has.includes(1) ? [{ ...row, has }] : [];
    });
  if (operator === 'or') return joinRows([...left, ...kept(right, there(left), false)]);
  return kept(left, there(right), operator === 'and');
}
/** Series of both sides that have the same labels, at different times, are one. */
function joinRows(rows: readonly Row[]): Row[] {
  const joined = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.dropName}${row.labels.key}`;
    const before = joined.get(key);
    if (!before || before.has.some((own, i) => own === 1 && row.has[i] === 1)) {
      joined.set(before ? `${key}\n${joined.size}` : key, row);
      continue;
    }
    const values = before.values.map((value, i) => (row.has[i] === 1 ? (row.values[i] as number) : value));
    joined.set(key, { ...before, values, has: before.has.map((own, i) => own | (row.has[i] as number)) });
  }
  return [...joined.values()];
}

function matched(left: readonly Row[], right: readonly Row[], expr: BinaryExpr, count: number): Row[] {
  const { matching } = expr;
  const operation = operationOf(expr);
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
  const give = (i: number, manyRow: Row | null, oneRow: Row | null, group: Labels): void => {
    const [manyValue, oneValue] = [
      manyRow ? (manyRow.values[i] as number) : (fillMany as number),
      oneRow ? (oneRow.values[i] as number) : (fillOne as number),
    ];
    const [l, r] = isSwapped ? [oneValue, manyValue] : [manyValue, oneValue];
    const value = operation.apply(l, r, l);
    if (value === undefined && manyRow === null) return;
    const keepsName = operation.isComparison && !operation.bool;
    const labels = resultLabels(manyRow?.labels ?? group, oneRow?.labels ?? null, expr, keepsName);
    const key = labels.key;
    let row = found.get(key);
    if (!row) {
      row = emptyRow(labels, count, !keepsName || (manyRow?.dropName ?? false));
      found.set(key, row);
    }
    if (value === undefined) return;
    if (row.has[i] === 1)
      throw new EvaluationError(
        matching.group
          ? 'grouping labels must ensure unique matches'
          : 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      );
    put(row, i, value);
  };
  for (const [key, rows] of oneGroups) {
    const group = groupLabels((rows[0] as Row).labels, matching);
    for (let i = 0; i < count; i++) {
      const there = rows.filter((row) => row.has[i] === 1);
      if (there.length > 1 && (manyGroups.get(key)?.some((row) => row.has[i] === 1) || fillMany !== null))
        throw duplicates(group, there, isSwapped);
      const manyThere = (manyGroups.get(key) ?? []).filter((row) => row.has[i] === 1);
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
        if (oneGroups.get(key)?.some((row) => row.has[i] === 1)) continue;
        for (const row of rows) if (row.has[i] === 1) give(i, row, null, group);
      }
    }
  }
  return [...found.values()].filter((row) => row.has.includes(1));
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

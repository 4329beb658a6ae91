import type { ReplayAnswer, ReplayVariant } from '#contracts/replay.ts';

/** What the replay lab asks and shows. Pure. */
const SECOND_UNITS: readonly (readonly [unit: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];
/** 90 as 1m30s, as rules have it. */
export function promDuration(seconds: number): string {
  let left = Math.round(seconds);
  if (left <= 0) return '0s';
  let text = '';
  for (const [unit, size] of SECOND_UNITS) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text;
}
export interface DraftRule {
  readonly name: string;
  readonly expr: string;
  readonly forSeconds: number;
  readonly keepFiringForSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly group?: string;
  readonly intervalSeconds?: number;
}
/** In quotes as JSON has them, which YAML understands. */
const quoted = (text: string): string =>
  /^[A-Za-z_][\w./ -]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text) ? text : JSON.stringify(text);
function mapLines(key: string, map: Readonly<Record<string, string>> = {}): string[] {
  const entries = Object.entries(map);
  return entries.length === 0 ? [] : [`    ${key}:`, ...entries.map(([name, value]) => `      ${quoted(name)}: ${quoted(value)}`)];
}
/** A rule file with one rule. */
export function ruleFile(rule: DraftRule): string {
  const { name, expr, forSeconds, keepFiringForSeconds = 0, group = name, intervalSeconds } = rule;
  return `${[
    'groups:',
    `- name: ${quoted(group)}`,
    ...(intervalSeconds === undefined ? [] : [`  interval: ${promDuration(intervalSeconds)}`]),
    '  rules:',
    `  - alert: ${quoted(name)}`,
    '    expr: |-',
    ...expr.split('\n').map((line) => `      ${line}`),
    ...(forSeconds > 0 ? [`    for: ${promDuration(forSeconds)}`] : []),
    ...(keepFiringForSeconds > 0 ? [`    keep_firing_for: ${promDuration(keepFiringForSeconds)}`] : []),
    ...mapLines('labels', rule.labels),
    ...mapLines('annotations', rule.annotations),
  ].join('\n')}\n`;
}
/** A rule as an address brings it; null: it is none. */
export function readDraft(text: string): DraftRule | null {
  try {
    const { name, expr, forSeconds } = JSON.parse(text) as Partial<DraftRule>;
    const isRule = typeof name === 'string' && typeof expr === 'string' && typeof forSeconds === 'number';
    return isRule ? { name, expr, forSeconds } : null;
  } catch {
    return null;
  }
}
/** The lines [from, to) of an alert in a rule file; null: it is not written in a way that is understood here. */
function linesOf(lines: readonly string[], alert: string): readonly [number, number] | null {
  const begins = (line: string): boolean => /^\s*- (?:alert|record):/.test(line);
  const nameOf = (line: string): string => (/^\s*- alert:\s*(.+?)\s*$/.exec(line)?.[1] ?? '').replace(/^(["'])(.*)\1$/, '$2');
  const from = lines.findIndex((line) => nameOf(line) === alert);
  if (from < 0) return null;
  const rest = lines.slice(from + 1).findIndex((line) => begins(line) || /^\s*- name:/.test(line));
  return [from, rest < 0 ? lines.length : from + 1 + rest];
}
/** The rule file with another threshold and `for` of an alert. null: to be changed by hand */
export function withValues(
  text: string,
  alert: string,
  change: { readonly from: number | null; readonly threshold: number | null; readonly forSeconds: number },
): string | null {
  const lines = text.split('\n');
  const place = linesOf(lines, alert);
  if (!place) return null;
  const [from, to] = place;
  const own = lines.slice(from, to);
  if (change.threshold !== null && change.threshold !== change.from) {
    const at = own.findIndex((line) => comparisonIn(line, change.from) !== null);
    if (at < 0) return null;
    own[at] = (own[at] as string).replace(COMPARED, (all, head: string, number: string) =>
      Number(number) === change.from ? `${head}${change.threshold}` : all,
    );
  }
  const indent = /^(\s*)- /.exec(own[0] as string)?.[1] ?? '';
  const line = `${indent}  for: ${promDuration(change.forSeconds)}`;
  const at = own.findIndex((each) => /^\s*for:/.test(each));
  if (at >= 0) own[at] = line;
  else own.splice(1, 0, line);
  return [...lines.slice(0, from), ...own, ...lines.slice(to)].join('\n');
}
const COMPARED = /((?:[<>]=?|==|!=)\s*)(-?[\d.]+(?:e[+-]?\d+)?)/gi;
function comparisonIn(line: string, value: number | null): string | null {
  for (const [all, , number] of line.matchAll(COMPARED)) if (Number(number) === value) return all;
  return null;
}

export const FOR_SECONDS = [0, 60, 120, 300, 600, 900, 1_800, 3_600] as const;
export const forSteps = (written: number): number[] => [...new Set([...FOR_SECONDS, written])].sort((a, b) => a - b);
/** About so many round numbers over what the values are, and the written one. */
export function thresholdSteps(least: number, largest: number, written: number, count = 20): number[] {
  const [from, to] = [Math.min(least, written), Math.max(largest, written)];
  if (!(to > from)) return [written];
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  const round = (value: number): number => Number(value.toPrecision(10));
  const all = Array.from({ length: last - first + 1 }, (_, i) => round((first + i) * step));
  return [...new Set([...all, written])].sort((a, b) => a - b);
}
/** Place of the value that is nearest. */
export function nearest(values: readonly number[], wanted: number): number {
  let found = 0;
  values.forEach((value, i) => {
    if (Math.abs(value - wanted) < Math.abs((values[found] as number) - wanted)) found = i;
  });
  return found;
}
export function variantAt({ sweep }: Pick<ReplayAnswer, 'sweep'>, threshold: number | null, forSeconds: number): ReplayVariant | undefined {
  return sweep?.variants.find((each) => (each.threshold === null || each.threshold === threshold) && each.forSeconds === forSeconds);
}
/** [from, to] of a flat list. */
export function pairs(flat: readonly number[]): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([flat[i] as number, flat[i + 1] as number]);
  return found;
}
/** How much earlier than they were noticed the caught ones would have been; null: none was. */
export function meanEarlier(verdicts: readonly { readonly earlierMs: number | null }[]): number | null {
  const known = verdicts.flatMap(({ earlierMs }) => (earlierMs === null ? [] : [earlierMs]));
  return known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0) / known.length;
}
/** Ends of an axis over values, a little wider than they are. */
export function axisOf(values: readonly number[]): readonly [number, number] {
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > largest) largest = value;
  }
  if (least > largest) return [0, 1];
  const room = (largest - least || Math.abs(largest) || 1) * 0.06;
  return [least >= 0 && least - room < 0 ? 0 : least - room, largest + room];
}

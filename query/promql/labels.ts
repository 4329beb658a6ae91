/** Labels of a series: names in byte order, no empty values. `key` is equal for equal labels. */
export interface Labels {
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly key: string;
}
/** By UTF-8 bytes, which is by code point. */
function byCodePoint(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // Surrogates stand for the highest code points.
    return (x >= 0xd800 && x < 0xe000 ? x + 0x10000 : x) - (y >= 0xd800 && y < 0xe000 ? y + 0x10000 : y);
  }
  return a.length - b.length;
}
export const compareText = byCodePoint;

const keyOf = (names: readonly string[], values: readonly string[]): string =>
  names.map((name, i) => `${name}\xff${values[i]}`).join('\xfe');
export const NO_LABELS: Labels = { names: [], values: [], key: '' };

export function labelsOf(entries: Iterable<readonly [string, string]>): Labels {
  const sorted = [...entries].filter(([, value]) => value !== '').sort(([a], [b]) => byCodePoint(a, b));
  const names = sorted.map(([name]) => name);
  const values = sorted.map(([, value]) => value);
  return { names, values, key: keyOf(names, values) };
}
export const labelOf = ({ names, values }: Labels, name: string): string => values[names.indexOf(name)] ?? '';
export const entriesOf = ({ names, values }: Labels): [string, string][] => names.map((name, i) => [name, values[i] as string]);
/** The labels whose names are kept, in their order. */
export function keepLabels(labels: Labels, keeps: (name: string) => boolean): Labels {
  const kept = labels.names.flatMap((name, i) => (keeps(name) ? [i] : []));
  if (kept.length === labels.names.length) return labels;
  const names = kept.map((i) => labels.names[i] as string);
  const values = kept.map((i) => labels.values[i] as string);
  return { names, values, key: keyOf(names, values) };
}
export const METRIC_NAME = '__name__';
/** What says which metric a series is of: it goes where a value is computed from it. */
const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);
export const withoutName = (labels: Labels): Labels => keepLabels(labels, (name) => !METADATA.has(name));
/** An empty value removes the label. */
export function setLabel(labels: Labels, name: string, value: string): Labels {
  return labelsOf([...entriesOf(labels).filter(([each]) => each !== name), [name, value]]);
}
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.names.length, b.names.length);
  for (let i = 0; i < length; i++) {
    const order = byCodePoint(a.names[i] as string, b.names[i] as string) || byCodePoint(a.values[i] as string, b.values[i] as string);
    if (order !== 0) return order;
  }
  return a.names.length - b.names.length;
}

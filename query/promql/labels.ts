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

function keyOf(names: readonly string[], values: readonly string[]): string {
  let key = '';
  for (let i = 0; i < names.length; i++) key += i === 0 ? `${names[i]}\xff${values[i]}` : `\xfe${names[i]}\xff${values[i]}`;
  return key;
}
export const NO_LABELS: Labels = { names: [], values: [], key: '' };

export function labelsOf(entries: Iterable<readonly [string, string]>): Labels {
  const sorted = [...entries].filter(([, value]) => value !== '').sort(([a], [b]) => byCodePoint(a, b));
  const names = sorted.map(([name]) => name);
  const values = sorted.map(([, value]) => value);
  return { names, values, key: keyOf(names, values) };
}
export const labelOf = ({ names, values }: Labels, name: string): string => values[names.indexOf(name)] ?? '';
export const entriesOf = ({ names, values }: Labels): [string, string][] => names.map((name, i) => [name, values[i] as string]);
/** Gives labels whose names are kept, in their order. Of labels that share their list of names, which those are is found out once. */
export function labelKeeper(keeps: (name: string) => boolean): (labels: Labels) => Labels {
  let all: readonly string[] | null = null;
  let kept: readonly number[] = [];
  let names: readonly string[] = [];
  return (labels) => {
    if (labels.names !== all) {
      all = labels.names;
      kept = all.flatMap((name, i) => (keeps(name) ? [i] : []));
      names = kept.map((i) => labels.names[i] as string);
    }
    if (kept.length === all.length) return labels;
    const values = kept.map((i) => labels.values[i] as string);
    return { names, values, key: keyOf(names, values) };
  };
}
export const keepLabels = (labels: Labels, keeps: (name: string) => boolean): Labels => labelKeeper(keeps)(labels);
/** The value of a label, '' where there is none; see labelKeeper. */
export function labelReader(name: string): (labels: Labels) => string {
  let all: readonly string[] | null = null;
  let place = -1;
  return ({ names, values }) => {
    if (names !== all) {
      all = names;
      place = names.indexOf(name);
    }
    return place < 0 ? '' : (values[place] as string);
  };
}
export const METRIC_NAME = '__name__';
/** What says which metric a series is of: it goes where a value is computed from it. */
const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);
export const withoutName = labelKeeper((name) => !METADATA.has(name));
/** An empty value removes the label. */
export function setLabel(labels: Labels, name: string, value: string): Labels {
  return labelsOf([...entriesOf(labels).filter(([each]) => each !== name), [name, value]]);
}
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.names.length, b.names.length);
  for (let i = 0; i < length; i++) {
    const order = a.names === b.names ? 0 : byCodePoint(a.names[i] as string, b.names[i] as string);
    if (order !== 0) return order;
    const valueOrder = byCodePoint(a.values[i] as string, b.values[i] as string);
    if (valueOrder !== 0) return valueOrder;
  }
  return a.names.length - b.names.length;
}

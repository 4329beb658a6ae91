import type { NoiseKind } from '#contracts/noise.ts';

/** What of a history of alerts is noise. Pure; times: Unix milliseconds. */
export interface Firing {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Equal for equal labels. */
  readonly key: string;
  readonly fromMs: number;
  /** null: it goes on. */
  readonly toMs: number | null;
}
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}
export interface Noise {
  readonly kind: NoiseKind;
  readonly alerts: readonly string[];
  readonly firings: number;
  readonly example: Readonly<Record<string, string>>;
  readonly share: number;
  readonly middleMs: number;
  /** Labels all its alerts have, with equal values in a pair. */
  readonly equal: readonly string[];
}
/** A firing that comes back within this long is the same trouble. */
const SOON_MS = 15 * 60_000;
const FLAPS = 4;
const FLAP_SHARE = 0.5;
const NEVER = 3;
/** Starts this near each other are one time. */
export const NEAR_MS = 2 * 60_000;
const TOGETHER = 3;
const TOGETHER_SHARE = 0.8;
/** Overlap over both of two firings that are one. */
const SAME_OVERLAP = 0.8;
/** Pairs are looked for among the alerts that fire most. */
const MAX_NAMES = 200;

const middleOf = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
function grouped<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const each of all) {
    const known = found.get(keyOf(each));
    if (known) known.push(each);
    else found.set(keyOf(each), [each]);
  }
  return found;
}
const endOf = ({ toMs }: Firing, { endMs }: Span): number => toMs ?? endMs;
const lengthOf = (firing: Firing, window: Span): number => endOf(firing, window) - firing.fromMs;

/** @param acted stretches in which somebody had to do with an alert: incidents, silences, acknowledgements */
export function findNoise(firings: readonly Firing[], acted: (firing: Firing) => boolean, window: Span): Noise[] {
  const byName = [...grouped(firings, ({ name }) => name)]
    .map(([name, own]) => ({ name, own: own.sort((a, b) => a.fromMs - b.fromMs) }))
    .sort((a, b) => b.own.length - a.own.length);
  const some = byName.slice(0, MAX_NAMES);
  return [
    ...byName.flatMap(({ own }) => flapping(own, window)),
    ...byName.flatMap(({ own }) => neverActed(own, acted, window)),
    ...some.flatMap((a, i) => some.slice(i + 1).flatMap((b) => pair(a.own, b.own, window))),
  ];
}
function flapping(own: readonly Firing[], window: Span): Noise[] {
  const pauses: number[] = [];
  let worst: { readonly soon: number; readonly of: readonly Firing[] } = { soon: 0, of: [] };
  for (const of of grouped(own, ({ key }) => key).values()) {
    const soon = of.slice(1).flatMap((each, i) => {
      const pause = each.fromMs - endOf(of[i] as Firing, window);
      return pause <= SOON_MS ? [pause] : [];
    });
    pauses.push(...soon);
    if (soon.length > worst.soon) worst = { soon: soon.length, of };
  }
  const share = own.length === 0 ? 0 : pauses.length / own.length;
  if (pauses.length < FLAPS || share < FLAP_SHARE) return [];
  const [first] = worst.of as [Firing];
  return [
    { kind: 'flapping', alerts: [first.name], firings: own.length, example: first.labels, share, middleMs: middleOf(pauses), equal: [] },
  ];
}
function neverActed(own: readonly Firing[], acted: (firing: Firing) => boolean, window: Span): Noise[] {
  if (own.length < NEVER || own.some(acted)) return [];
  const [first] = own as [Firing];
  const middleMs = middleOf(own.map((each) => lengthOf(each, window)));
  return [{ kind: 'never_acted', alerts: [first.name], firings: own.length, example: first.labels, share: 1, middleMs, equal: [] }];
}
const IGNORED = ['alertname', 'severity'];
const shown = ({ labels }: Firing): [string, string][] => Object.entries(labels).filter(([name]) => !IGNORED.includes(name));

/** Two alerts that fire with each other: as duplicates, or only at the same time. */
function pair(a: readonly Firing[], b: readonly Firing[], window: Span): Noise[] {
  const [few, many] = a.length <= b.length ? [a, b] : [b, a];
  if (few.length < TOGETHER) return [];
  let same = 0;
  let near = 0;
  const equal = new Map<string, number>();
  let next = 0;
  for (const each of few) {
    while (next < many.length && (many[next] as Firing).fromMs < each.fromMs - NEAR_MS) next++;
    let best: Firing | null = null;
    let bestEqual: string[] = [];
    for (let i = next; i < many.length && (many[i] as Firing).fromMs <= each.fromMs + NEAR_MS; i++) {
      const other = many[i] as Firing;
      const names = shown(each).flatMap(([name, value]) => (other.labels[name] === value ? [name] : []));
      if (!best || names.length > bestEqual.length) [best, bestEqual] = [other, names];
    }
    if (!best) continue;
    near++;
    for (const name of bestEqual) equal.set(name, (equal.get(name) ?? 0) + 1);
    const isSubset = bestEqual.length === Math.min(shown(each).length, shown(best).length);
    if (isSubset && overlapOf(each, best, window) >= SAME_OVERLAP) same++;
  }
  // Of those that fire far more often the other half needs no explanation by these.
  const share = near / few.length;
  if (share < TOGETHER_SHARE) return [];
  const names = [...equal].flatMap(([name, count]) => (count >= near * TOGETHER_SHARE ? [name] : []));
  // The one that says more is kept.
  const [first, second] = [many[0], few[0]].sort((x, y) => shown(y as Firing).length - shown(x as Firing).length) as [Firing, Firing];
  const isDuplicate = same / few.length >= TOGETHER_SHARE;
  return [
    {
      ...{ kind: isDuplicate ? 'duplicate' : 'together', alerts: [first.name, second.name], firings: few.length, example: second.labels },
      ...{
        share: isDuplicate ? same / few.length : share,
        middleMs: middleOf(few.map((each) => lengthOf(each, window))),
        equal: names.sort(),
      },
    },
  ];
}
function overlapOf(a: Firing, b: Firing, window: Span): number {
  const both = Math.min(endOf(a, window), endOf(b, window)) - Math.max(a.fromMs, b.fromMs);
  const any = Math.max(endOf(a, window), endOf(b, window)) - Math.min(a.fromMs, b.fromMs);
  return any <= 0 ? 1 : Math.max(0, both) / any;
}

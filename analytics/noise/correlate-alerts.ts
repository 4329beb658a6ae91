import type { Firing, Span } from './find-noise.ts';

/** Groups of alerts that tell of one thing: near in time, and of one service, of services that call each other, or in like words. */
export interface AlertCluster {
  readonly firings: readonly Firing[];
  readonly because: readonly ('time' | 'service' | 'calls' | 'text')[];
  readonly services: readonly string[];
}
const NEAR_MS = 5 * 60_000;
/** Share of words two alerts have in common. */
const ALIKE = 0.5;
/** Those that began just before are looked at. */
const MAX_BEFORE = 200;
const SERVICE_LABELS = ['service', 'service_name', 'app', 'job'];

export const serviceOf = ({ labels }: Pick<Firing, 'labels'>): string => {
  for (const name of SERVICE_LABELS) if (labels[name]) return labels[name];
  return '';
};
function wordsOf({ name, labels }: Firing): ReadonlySet<string> {
  const values = Object.entries(labels).flatMap(([label, value]) => (label === 'alertname' || label === 'severity' ? [] : [value]));
  const parts = [name.replace(/([a-z])([A-Z])/g, '$1 $2'), ...values].join(' ').toLowerCase();
  return new Set(parts.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1));
}
function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let both = 0;
  for (const word of a) if (b.has(word)) both++;
  return both === 0 ? 0 : both / Math.min(a.size, b.size);
}
/** Alerts stay as they are: a group says what belongs together, and merges nothing. */
export function correlateAlerts(
  firings: readonly Firing[],
  calls: Iterable<readonly [from: string, to: string]>,
  window: Span,
): AlertCluster[] {
  const sorted = [...firings].sort((a, b) => a.fromMs - b.fromMs);
  const known = new Set([...calls].flatMap(([from, to]) => [`${from}\n${to}`, `${to}\n${from}`]));
  const words = sorted.map(wordsOf);
  const parent = sorted.map((_, i) => i);
  const reasons = sorted.map(() => new Set<'service' | 'calls' | 'text'>());
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  for (let i = 0; i < sorted.length; i++) {
    const own = sorted[i] as Firing;
    for (let k = i - 1; k >= Math.max(0, i - MAX_BEFORE) && own.fromMs - (sorted[k] as Firing).fromMs <= NEAR_MS; k--) {
      const other = sorted[k] as Firing;
      // An alert that came back is one alert.
      if (other.key === own.key || (other.toMs ?? window.endMs) < own.fromMs - NEAR_MS) continue;
      const [a, b] = [serviceOf(own), serviceOf(other)];
      const why =
        a !== '' && a === b
          ? 'service'
          : known.has(`${a}\n${b}`)
            ? 'calls'
            : likeness(words[i] as never, words[k] as never) >= ALIKE
              ? 'text'
              : null;
      if (!why) continue;
      const [x, y] = [root(i), root(k)];
      (reasons[y] as Set<typeof why>).add(why);
      if (x === y) continue;
      parent[x] = y;
      for (const each of reasons[x] ?? []) (reasons[y] as Set<typeof why>).add(each);
    }
  }
  const groups = new Map<number, Firing[]>();
  sorted.forEach((firing, i) => {
    groups.set(root(i), [...(groups.get(root(i)) ?? []), firing]);
  });
  return [...groups]
    .filter(([, own]) => own.length > 1)
    .map(([at, own]) => ({
      firings: own,
      because: ['time', ...[...(reasons[at] ?? [])].sort()] as AlertCluster['because'],
      services: [...new Set(own.map(serviceOf).filter(Boolean))].sort(),
    }));
}

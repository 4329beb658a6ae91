import { seededRandom } from '../../bench/payloads.ts';
import { Symbols, type Write1, type Write2 } from '../fixtures/write-requests.ts';

/** Random remote write requests: mostly what senders write, and every way in which they could be wrong. */
const NAMES = ['__name__', '', 'a', 'b', 'instance', 'job', 'le', 'service_name', 'ключ', 'a.rather.long.label.name.beyond.forty.bytes'];
const VALUES = ['', 'up', 'jobs_total', 'x_bucket', 'node', '日本', 'thirteen byte', 'a value that is longer than forty bytes in all'];
const DOUBLES = [0, -0, 1, -1.5, 0.1, 1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

export function randomWrite(seed: number, nowUnixMs: number): { readonly one: Write1; readonly two: Write2 } {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);
  const value = (): number => (random() < 0.5 ? pick(DOUBLES) : random() * 1e6);
  const time = (): bigint => {
    const n = below(16);
    if (n === 0) return pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 9_223_372_036_854n, 9_223_372_036_855n]);
    if (n === 1) return BigInt(nowUnixMs + 2 * 86_400_000);
    if (n === 2) return BigInt(nowUnixMs - 30 * 86_400_000);
    return BigInt(nowUnixMs - (random() < 0.6 ? 0 : below(100_000)));
  };
  const labels = (): [string, string][] => {
    const names = [...new Set(['__name__', ...some(4, () => pick(NAMES))])];
    const pairs = names.map((name): [string, string] => [
      name,
      name === '__name__' && random() < 0.9 ? pick(['up', 'jobs_total']) : pick(VALUES),
    ]);
    const kept = random() < 0.8 ? pairs.filter(([name]) => name !== '' && name.length < 40) : pairs;
    if (random() < 0.9) kept.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    if (random() < 0.05) kept.push(pick(pairs));
    if (random() < 0.05) kept.shift();
    return kept;
  };
  const side = (isFloat: boolean) => {
    const spans = some(3, () => ({ offset: random() < 0.1 ? pick([-3, 2 ** 31 - 1, -(2 ** 31), 70_000]) : below(4), length: below(4) }));
    const buckets = spans.reduce((sum, { length }) => sum + length, 0) + (random() < 0.1 ? 1 : 0);
    const counts = Array.from({ length: buckets }, () => (random() < 0.05 ? pick([-1, 0.5, 2 ** 53]) : below(9)));
    const deltas = counts.map((count, i) => BigInt(Math.floor(count)) - BigInt(Math.floor(counts[i - 1] ?? 0)));
    return { spans, counts: isFloat ? counts : [], deltas: isFloat ? [] : deltas, total: counts.reduce((a, b) => a + Math.floor(b), 0) };
  };
  const histogram = () => {
    const isFloat = random() < 0.3;
    const isCustom = random() < 0.2;
    const [positive, negative] = [
      side(isFloat),
      isCustom && random() < 0.9 ? { spans: [], counts: [], deltas: [], total: 0 } : side(isFloat),
    ];
    const zero = isCustom ? 0 : below(3);
    const total = positive.total + negative.total + zero + (random() < 0.1 ? 1 : 0);
    const bounds = some(6, () => below(20)).sort((a, b) => a - b);
    return {
      count: isFloat
        ? { case: 'countFloat' as const, value: total }
        : { case: 'countInt' as const, value: BigInt.asUintN(64, BigInt(total)) },
      zeroCount: isFloat ? { case: 'zeroCountFloat' as const, value: zero } : { case: 'zeroCountInt' as const, value: BigInt(zero) },
      sum: value(),
      schema: isCustom ? -53 : random() < 0.1 ? pick([-10, 53, -9, 52]) : below(13) - 4,
      zeroThreshold: isCustom ? 0 : pick([0, 0.001, 1, -1, Number.NaN].slice(0, random() < 0.9 ? 3 : 5)),
      positiveSpans: positive.spans,
      positiveDeltas: positive.deltas,
      positiveCounts: positive.counts,
      negativeSpans: negative.spans,
      negativeDeltas: negative.deltas,
      negativeCounts: negative.counts,
      resetHint: below(4),
      timestamp: time(),
      customValues: isCustom ? [...new Set(bounds)] : [],
    };
  };
  const symbols = new Symbols();
  const refs = (pairs: readonly [string, string][]): number[] => {
    const all = pairs.flatMap((pair) => pair.map((text) => symbols.ref(text)));
    if (random() < 0.03) all.push(pick([1, 9_999]));
    if (random() < 0.03 && all.length > 0) all[below(all.length)] = 2 ** 32 - 1;
    return all;
  };
  const one: object[] = [];
  const two: object[] = [];
  for (let n = below(6); n > 0; n--) {
    const names = labels();
    const samples = some(3, () => ({ value: value(), timestamp: time() }));
    const histograms = random() < 0.3 ? some(2, histogram) : [];
    const exemplars = some(random() < 0.3 ? 2 : 0, () => ({ pairs: labels(), value: value(), timestamp: time() }));
    const label = ([name, text]: readonly [string, string]) => ({ name, value: text });
    one.push({
      labels: names.map(label),
      samples,
      histograms,
      exemplars: exemplars.map(({ pairs, ...rest }) => ({ ...rest, labels: pairs.map(label) })),
    });
    two.push({
      labelsRefs: refs(names),
      samples: samples.map((sample) => ({ ...sample, startTimestamp: random() < 0.3 ? time() : 0n })),
      histograms: histograms.map((each) => ({ ...each, startTimestamp: random() < 0.3 ? time() : 0n })),
      exemplars: exemplars.map(({ pairs, ...rest }) => ({ ...rest, labelsRefs: refs(pairs) })),
      ...(random() < 0.7 ? { metadata: { type: below(8), helpRef: symbols.ref('Help.'), unitRef: random() < 0.02 ? 5_000 : 0 } } : {}),
      createdTimestamp: random() < 0.1 ? time() : 0n,
    });
  }
  const metadata = some(2, () => ({ type: below(8), metricFamilyName: pick(['up', 'jobs']), help: 'Help.', unit: pick(['', 's']) }));
  return { one: { timeseries: one, metadata } as Write1, two: { symbols: symbols.symbols, timeseries: two } as Write2 };
}

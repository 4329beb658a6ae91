import { DAY_MS, dayOf, keyOf, type LimitedSource } from '#contracts/limited-source.ts';
import type { CollectorStatus } from '#contracts/processes.ts';
import type { SourceLimitsAnswer } from '#contracts/source-limits.ts';
import type { LimitBook } from './limit-book.ts';

type Usage = SourceLimitsAnswer['limits'][number]['usage'][number];
const MAX_USAGE = 100;

/** Body of GET /console/volume/limits: each name with what is counted under it today. */
export function describeLimits(book: LimitBook, collector: CollectorStatus | null, nowMs: number): SourceLimitsAnswer {
  const usage = new Map<string, Map<string, Usage>>();
  const at = (of: LimitedSource): Usage => {
    const ofName = usage.get(of.name) ?? new Map<string, Usage>();
    usage.set(of.name, ofName);
    const { source, service } = of;
    const known = ofName.get(keyOf(of)) ?? {
      source,
      service,
      series: null,
      bytes: null,
      dropped: book.dropped.get(source) ?? 0,
      refused: 0,
    };
    ofName.set(keyOf(of), known);
    return known;
  };
  const today = dayOf(nowMs);
  // A version whose day is over counts nothing today: the next record begins the new one.
  for (const count of (book.current?.day ?? '') >= today ? (book.current?.admitted.values() ?? []) : []) at(count).series = count.ids.size;
  for (const { bytes, refused, ...of } of collector?.limited ?? []) Object.assign(at(of), { bytes, refused });
  return {
    limits: Object.entries(book.limits).map(([name, limit]) => {
      const counted = [...(usage.get(name)?.values() ?? [])].sort(
        (a, b) => (b.series ?? 0) - (a.series ?? 0) || (b.bytes ?? 0) - (a.bytes ?? 0),
      );
      const origin = book.isConfigured(name) ? ('configuration' as const) : ('console' as const);
      return { ...{ name, limit, origin }, usage: counted.slice(0, MAX_USAGE), counted: counted.length };
    }),
    sources: (collector?.sources ?? []).map(({ source }) => source),
    resetsMs: Date.parse(today) + DAY_MS,
  };
}

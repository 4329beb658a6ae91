import type { Placement, ServiceObservation } from '#contracts/observation.ts';
import { binomialUpperTail, ratioUpperBound } from '../../stats/binomial.ts';
import type { CaseFile } from '../case-file.ts';

/** How new instances of a service do beside those they came to join or replace. */
export interface FreshComparison {
  readonly finding: 'worse' | 'same' | 'unclear';
  /** Both kinds answered at the same time: same load, same dependencies, so only they differ. */
  readonly isSideBySide: boolean;
  readonly fresh: readonly string[];
  /** Old instances still answer at the end of the window. */
  readonly isPartial: boolean;
}
const FEWEST_BUCKETS = 2;
/** Buckets before the first new instance that tell how the old ones did, when the two never met. */
const BEFORE_BUCKETS = 18;
/** The new ones take this many times as long, or they are not called worse. */
const WORSE = 1.5;
const SAME = 1.2;
/** Spread granted between buckets whatever is measured, log scale. */
const LEAST_SPREAD = 0.15;

/** Buckets of one instance while it ran as one placement says. */
interface Stay {
  readonly series: ServiceObservation;
  readonly from: number;
  readonly to: number;
}
const SIGNALS = ['selfMeanMs', 'p50Ms', 'p95Ms'] as const;

function staysOf(file: CaseFile, service: string, which: (placement: Placement) => boolean): Stay[] {
  const placements = file.observation.placements.filter((p) => p.service === service);
  const { startMs, stepMs } = file.observation;
  return placements.filter(which).flatMap((placement) => {
    const series = file.instances.get(service)?.find((one) => one.instance === placement.instance);
    if (series === undefined) return [];
    // A bucket in which an instance changed its version holds both: it speaks for neither.
    const isShared = placements.some((p) => p.instance === placement.instance && p !== placement);
    const inner = isShared ? 1 : 0;
    const from = Math.floor((placement.firstSeenMs - startMs) / stepMs) + inner;
    return [{ series, from: Math.max(0, from), to: Math.floor((placement.lastSeenMs - startMs) / stepMs) + 1 - inner }];
  });
}

const isActive = (stays: readonly Stay[], bucket: number): boolean =>
  stays.some(({ series, from, to }) => bucket >= from && bucket < to && series.requests[bucket]! > 0);

function countsOf(stays: readonly Stay[], buckets: readonly number[]): { requests: number; errors: number } {
  let [requests, errors] = [0, 0];
  for (const { series, from, to } of stays) {
    for (const i of buckets) {
      if (i < from || i >= to || !(series.requests[i]! > 0)) continue;
      requests += series.requests[i]!;
      errors += series.ownErrors[i]! > 0 ? series.ownErrors[i]! : 0;
    }
  }
  return { requests, errors };
}

/** Mean and squared standard error of the logarithms of a signal. */
function levelOf(stays: readonly Stay[], buckets: readonly number[], signal: (typeof SIGNALS)[number]) {
  const logs: number[] = [];
  for (const { series, from, to } of stays)
    for (const i of buckets) if (i >= from && i < to && series[signal][i]! > 0) logs.push(Math.log(series[signal][i]!));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, logs.length - 1);
  return { mean, count: logs.length, error: Math.max(variance, LEAST_SPREAD ** 2) / logs.length };
}

function judge(
  fresh: readonly Stay[],
  freshAt: readonly number[],
  old: readonly Stay[],
  oldAt: readonly number[],
): FreshComparison['finding'] {
  if (freshAt.length < FEWEST_BUCKETS || oldAt.length < FEWEST_BUCKETS) return 'unclear';
  const [now, then] = [countsOf(fresh, freshAt), countsOf(old, oldAt)];
  if (now.requests < 10 || then.requests < 10) return 'unclear';
  const moreErrors = now.errors / now.requests - then.errors / then.requests;
  const bound = ratioUpperBound(then.errors, then.requests);
  if (moreErrors > 0.02 && binomialUpperTail(now.errors, now.requests, bound) < 1e-4) return 'worse';
  let isSame = moreErrors < 0.02;
  for (const signal of SIGNALS) {
    const [a, b] = [levelOf(fresh, freshAt, signal), levelOf(old, oldAt, signal)];
    if (a.count < FEWEST_BUCKETS || b.count < FEWEST_BUCKETS) continue;
    const apart = a.mean - b.mean;
    if (apart > Math.log(WORSE) && apart > 4 * Math.sqrt(a.error + b.error)) return 'worse';
    isSame &&= apart + 2 * Math.sqrt(a.error + b.error) < Math.log(SAME) + 2 * LEAST_SPREAD;
    isSame &&= apart < Math.log(SAME);
  }
  return isSame ? 'same' : 'unclear';
}

/**
 * Compares new instances of a service with its others: side by side in the buckets where both answered, else with how
 * the others did shortly before. A new instance has no past, so it is never compared with its own.
 */
export function compareFresh(file: CaseFile, service: string, isFresh: (placement: Placement) => boolean): FreshComparison {
  const fresh = staysOf(file, service, isFresh);
  const old = staysOf(file, service, (placement) => !isFresh(placement));
  const first = Math.min(...fresh.map((stay) => stay.from));
  const { from, to } = file.range;
  const both = {
    fresh: [...new Set(fresh.map((stay) => stay.series.instance!))],
    isPartial: isActive(old, to - 1) || isActive(old, to - 2),
  };
  if (fresh.length === 0 || old.length === 0) return { ...both, finding: 'unclear', isSideBySide: false };
  const at = (start: number, end: number, who: readonly Stay[]): number[] => {
    const found: number[] = [];
    for (let i = Math.max(0, start); i < end; i++) if (isActive(who, i)) found.push(i);
    return found;
  };
  const met = at(Math.min(first, to), to, fresh).filter((i) => isActive(old, i));
  const metInWindow = met.filter((i) => i >= from);
  const shared = metInWindow.length >= 3 ? metInWindow : met;
  const beside = judge(fresh, shared, old, shared);
  if (beside !== 'unclear') return { ...both, finding: beside, isSideBySide: true };
  const after = judge(fresh, at(Math.max(first, from), to, fresh), old, at(first - BEFORE_BUCKETS, first, old));
  return { ...both, finding: after === 'worse' ? 'worse' : 'unclear', isSideBySide: false };
}

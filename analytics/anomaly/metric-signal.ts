import type { SignalKind } from '#contracts/judgement.ts';
import type { MetricObservation } from '#contracts/observation.ts';
import { mannKendallZ } from '../stats/trend.ts';
import { type MetricFamily, metricFamily } from './metric-family.ts';
import { type Finding, type NumericRule, NumericSignal } from './numeric-signal.ts';
import type { Pacing } from './pacing.ts';

/** A finding on a metric series and what it means. */
export interface MetricFinding extends Finding {
  readonly kind: SignalKind;
}
/** Floors kept for the growth test: 24 pieces of about 40 s each, so a sawtooth of garbage collection shows its floor. */
const FLOORS = 24;
const NONE: readonly MetricFinding[] = [];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Filled anew for each value: NumericSignal keeps none of it. */
const RULE: Mutable<NumericRule> = { direction: 0, deviations: 0, floor: 0, change: 0, memory: 0 };

/** One metric series: level shift, steady growth (memory) and restarts. */
export class MetricSignal {
  readonly family: MetricFamily;
  private readonly shift: NumericSignal;
  private readonly pacing: Pacing;
  private readonly floors: number[] = [];
  private piece = Number.POSITIVE_INFINITY;
  private pieceLength = 0;
  private growth: { onsetMs: number; untilMs: number; from: number } | null = null;
  private previous = Number.NaN;
  private restart: { onsetMs: number; untilMs: number; value: number; baseline: number } | null = null;

  constructor(series: MetricObservation, pacing: Pacing) {
    this.family = metricFamily(series.metric, series.labels);
    this.pacing = pacing;
    const isBursty = this.family === 'cpu' || this.family === 'host_cpu' || this.family === 'throttled';
    this.shift = new NumericSignal(pacing, isBursty);
  }

  /** Findings in force after this value; at most one of each kind. */
  push(value: number, startMs: number, isRate: boolean): readonly MetricFinding[] {
    if (this.family === 'restarts' || this.family === 'uptime' || this.family === 'start_time') {
      const restart = this.watchRestart(value, startMs, isRate);
      return restart === null ? NONE : [restart];
    }
    const shift = this.shift.push(value, startMs, this.rule());
    const growth = this.family === 'memory' ? this.watchGrowth(value, startMs) : null;
    this.previous = value;
    if (shift === null) return growth === null ? NONE : [growth];
    const shifted = { ...shift, kind: kindOf(this.family, shift.deviation) };
    return growth === null ? [shifted] : [shifted, growth];
  }

  private lastLevel = 1;
  private rule(): NumericRule {
    if (Number.isFinite(this.previous)) this.lastLevel += 0.05 * (Math.abs(this.previous) - this.lastLevel);
    const up = this.family !== 'other' && this.family !== 'disk';
    RULE.direction = up ? 1 : 0;
    RULE.deviations = up ? 6 : 8;
    RULE.floor = Math.max(0.03 * this.lastLevel, 1e-9);
    RULE.change = (up ? 0.3 : 0.5) * this.lastLevel;
    RULE.memory = this.pacing.memory;
    return RULE;
  }

  private watchGrowth(value: number, startMs: number): MetricFinding | null {
    if (!Number.isFinite(value)) return null;
    this.piece = Math.min(this.piece, value);
    if (++this.pieceLength >= Math.max(1, Math.round(40_000 / this.pacing.stepMs))) this.closePiece(startMs);
    if (this.growth === null) return null;
    const first = this.growth.from;
    return {
      kind: 'memory_growth',
      onsetMs: this.growth.onsetMs,
      untilMs: this.growth.untilMs,
      value,
      baseline: first,
      deviation: (value - first) / (0.05 * first),
    };
  }

  private closePiece(startMs: number): void {
    this.floors.push(this.piece);
    if (this.floors.length > FLOORS) this.floors.shift();
    this.piece = Number.POSITIVE_INFINITY;
    const pieceMs = this.pieceLength * this.pacing.stepMs;
    this.pieceLength = 0;
    const half = this.floors.slice(-FLOORS / 2);
    if (half.length < FLOORS / 2) return;
    const first = half[0]!;
    const isGrowing = mannKendallZ(half) > 3.3 && half[half.length - 1]! > 1.25 * first && first > 0;
    if (!isGrowing) this.growth = null;
    else if (this.growth === null)
      this.growth = { onsetMs: startMs - half.length * pieceMs, untilMs: startMs + this.pacing.stepMs, from: first };
    else this.growth.untilMs = startMs + this.pacing.stepMs;
  }

  private watchRestart(value: number, startMs: number, isRate: boolean): MetricFinding | null {
    if (!Number.isFinite(value)) return this.restartInForce(startMs);
    const before = this.previous;
    this.previous = value;
    const happened =
      this.family === 'uptime'
        ? value < before - 1
        : isRate
          ? value > 0 && before === 0
          : value > before + (this.family === 'start_time' ? 1 : 0);
    if (happened) this.restart = { onsetMs: startMs, untilMs: startMs + this.pacing.stepMs, value, baseline: before };
    return this.restartInForce(startMs);
  }

  /** A restart is an event; it stays in force for five minutes so that what follows can be tied to it. */
  private restartInForce(startMs: number): MetricFinding | null {
    if (this.restart === null || startMs - this.restart.onsetMs > 300_000) return null;
    return { kind: 'restart', ...this.restart, deviation: 10 };
  }
}

function kindOf(family: MetricFamily, deviation: number): SignalKind {
  if (family === 'cpu' || family === 'host_cpu' || family === 'throttled') return 'cpu';
  if (family === 'pool_pending' || family === 'pool_wait' || family === 'pool_timeouts' || family === 'queue') return 'queueing';
  if (family === 'pool_used') return 'saturation';
  if (family === 'disk' && deviation > 0) return 'saturation';
  return 'metric_shift';
}

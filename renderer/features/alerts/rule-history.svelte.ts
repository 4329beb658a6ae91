import { AnswerCache } from '../../lib/answer-cache.ts';
import { api } from '../../lib/api.ts';
import { gridOf, rangeFields, type StepGrid } from '../promql/prometheus-answer.ts';
import { type PromSeries, type RangeAnswer, seriesOf } from './prom-range.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 60_000;
const MAX_KEPT = 100;
/** Rows of a page begin to be drawn together: their questions are asked a few at a time. */
const AT_ONCE = 2;

/** The last hour of rules' expressions, asked once for all alerts of a rule. */
class RuleHistory {
  private readonly asked = new AnswerCache(MAX_KEPT);
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  /** The hour up to a moment. */
  hour(untilMs: number): StepGrid {
    return gridOf(untilMs - HOUR_MS, untilMs, STEP_MS);
  }
  /** Never rejects: a line that cannot be drawn is left out, its rule says why. */
  of(query: string, grid: StepGrid): Promise<readonly PromSeries[]> {
    const fields = rangeFields(query, grid);
    const known = this.asked.get(fields) as Promise<readonly PromSeries[]> | undefined;
    if (known) return known;
    const answer = this.ask(fields);
    this.asked.keep(fields, answer);
    return answer;
  }
  private async ask(fields: string): Promise<readonly PromSeries[]> {
    if (this.running >= AT_ONCE) await new Promise<void>((turn) => this.waiting.push(turn));
    this.running++;
    try {
      // By POST: an expression may be longer than an address.
      return seriesOf(await api.prometheus<RangeAnswer>('query_range', fields));
    } catch {
      return [];
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }
}
export const ruleHistory = new RuleHistory();

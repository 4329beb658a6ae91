import { NDJSON, type ReplayAnswer, type ReplayBody } from '#contracts/replay.ts';
import { ApiError, api } from '../../../lib/api.ts';
import type { TimeSpan } from '../../../lib/time-range.ts';
import { type PromSeries, type RangeAnswer, rangePath, seriesOf } from '../prom-range.ts';
import { forSteps, thresholdSteps } from './replay-model.ts';

const POINTS = 400;
const LEAST_STEP_MS = 15_000;
/** Series that are drawn: those that come closest to being the largest. */
export const DRAWN = 40;
type Line = {
  readonly progress?: number;
  readonly answer?: ReplayAnswer;
  readonly error?: { readonly code: string; readonly message: string };
};

/** What is tried in the lab: it stays while other tabs are looked at. */
class Lab {
  text = $state('');
  answer = $state.raw<ReplayAnswer | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** 0 to 1; null: nothing runs. */
  progress = $state<number | null>(null);
  /** What the rule compares, over the window. */
  series = $state.raw<readonly PromSeries[]>([]);
  seriesCount = $state(0);
  /** The text the answer is of. */
  replayed = $state('');
  threshold = $state<number | null>(null);
  forSeconds = $state(0);
  private abort: AbortController | null = null;

  cancel(): void {
    this.abort?.abort();
  }
  /** First the rule as it is, then what it compares, then other thresholds and times around it. */
  async run(span: TimeSpan, wanted = ''): Promise<void> {
    this.cancel();
    const abort = new AbortController();
    this.abort = abort;
    this.progress = 0;
    this.error = null;
    try {
      const body: ReplayBody = { start: Math.round(span.startMs), end: Math.round(span.endMs), rules: this.text };
      const first = await this.ask(body, abort.signal, 0, 0.4);
      const alerting = first.rules.filter(({ kind }) => kind === 'alerting');
      const rule = alerting.find(({ name }) => name === wanted) ?? (alerting.length === 1 ? alerting[0] : undefined);
      let answer = first;
      let series: PromSeries[] = [];
      if (rule) {
        const stepMs = Math.max(LEAST_STEP_MS, rule.intervalSeconds * 1000, Math.ceil((span.endMs - span.startMs) / POINTS / 1000) * 1000);
        const query = rule.compared || rule.expr;
        const grid = { startMs: body.start, endMs: body.end, stepMs };
        // What a rule of the file records is not there to be asked.
        series = seriesOf(await api.json<RangeAnswer>(rangePath(query, grid), abort.signal).catch(() => ({ data: { result: [] } })));
        const values = rule.compared ? series.flatMap((each) => each.values.filter(Number.isFinite)) : [];
        const [least, largest] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
          rule.threshold ?? 0,
          rule.threshold ?? 0,
        ] as [number, number]);
        const thresholds = rule.threshold === null ? undefined : thresholdSteps(least, largest, rule.threshold);
        const sweep = { alert: rule.name, forSeconds: forSteps(rule.forSeconds), ...(thresholds ? { thresholds } : {}) };
        answer = await this.ask({ ...body, sweep }, abort.signal, 0.4, 1);
        this.threshold = rule.threshold;
        this.forSeconds = rule.forSeconds;
      }
      this.seriesCount = series.length;
      this.series = [...series].sort((a, b) => largestOf(b) - largestOf(a)).slice(0, DRAWN);
      this.replayed = body.rules ?? '';
      this.answer = answer;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'internal', String(error), '');
    } finally {
      if (this.abort === abort) this.progress = null;
    }
  }
  private async ask(body: ReplayBody, signal: AbortSignal, from: number, to: number): Promise<ReplayAnswer> {
    let answer: ReplayAnswer | null = null;
    await api.lines<Line>('/console/replay', body, NDJSON, signal, (line) => {
      if (line.error) throw new ApiError(400, line.error.code, line.error.message, '');
      if (line.progress !== undefined) this.progress = from + (to - from) * line.progress;
      answer = line.answer ?? null;
    });
    if (answer) return answer;
    throw new ApiError(0, 'away', '', '');
  }
}
const largestOf = ({ values }: PromSeries): number =>
  values.reduce((largest, value) => (Number.isFinite(value) && value > largest ? value : largest), Number.NEGATIVE_INFINITY);
export const lab = new Lab();

import type { PrometheusClient } from '@prometheus-io/codemirror-promql';
import { EqlRegex, EqlSingle, Neq, NeqRegex } from '@prometheus-io/lezer-promql';
import { type LabelMatcher, selectorText } from '#contracts/promql-text.ts';
import { api } from '../../lib/api.ts';

type Matchers = NonNullable<Parameters<PrometheusClient['labelValues']>[2]>;
const OPERATORS: Readonly<Record<number, LabelMatcher['operator']>> = {
  [EqlSingle]: '=',
  [Neq]: '!=',
  [EqlRegex]: '=~',
  [NeqRegex]: '!~',
};
/** Names change seldom; typing asks for them with every letter. */
const KEPT_MS = 30_000;
const MAX_VALUES = 10_000;

/**
 * Names and values for the editor from the console's own store. Without a window: series are then matched in memory, and
 * no sample is read (codemirror-promql's own client asks for the samples of 12 hours).
 */
export class CompletionClient implements PrometheusClient {
  private readonly kept = new Map<string, { readonly untilMs: number; readonly answer: Promise<unknown> }>();
  private readonly unitWords: (unit: string) => string;
  /** @param unitWords says a unit after the help of a metric */
  constructor(unitWords: (unit: string) => string) {
    this.unitWords = unitWords;
  }
  metricNames(): Promise<string[]> {
    return this.ask('label/__name__/values', {}, []);
  }
  labelNames(metricName = ''): Promise<string[]> {
    const names: Promise<string[]> = this.ask('labels', { 'match[]': selectorText(metricName, []) }, []);
    return names.then((all) => all.filter((name) => name !== '__name__'));
  }
  labelValues(labelName: string, metricName = '', matchers: Matchers = []): Promise<string[]> {
    const others = matchers
      .filter(({ name, value }) => name !== labelName && value !== '')
      .map(({ type, name, value }) => ({ name, operator: OPERATORS[type] ?? '=', value }));
    return this.ask(`label/${encodeURIComponent(labelName)}/values`, { 'match[]': selectorText(metricName, others) }, []);
  }
  async metricMetadata(): Promise<Record<string, { type: string; help: string }[]>> {
    const known = await this.ask<Record<string, { type: string; help: string; unit: string }[]>>('metadata', {}, {});
    return Object.fromEntries(
      Object.entries(known).map(([name, all]) => [
        name,
        all.map(({ type, help, unit }) => ({ type, help: unit === '' ? help : `${help}${this.unitWords(unit)}` })),
      ]),
    );
  }
  async series(metricName: string): Promise<Map<string, string>[]> {
    const found = await this.ask<Record<string, string>[]>('series', { 'match[]': selectorText(metricName, []) }, []);
    return found.map((labels) => new Map(Object.entries(labels)));
  }
  flags(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }
  /** `otherwise` when the engine is away: completion goes on with functions. */
  private ask<T>(path: string, params: Readonly<Record<string, string>>, otherwise: T): Promise<T> {
    const query = new URLSearchParams({ limit: String(MAX_VALUES) });
    for (const [name, value] of Object.entries(params)) if (value !== '') query.set(name, value);
    const key = `${path}?${query}`;
    const known = this.kept.get(key);
    if (known && known.untilMs > performance.now()) return known.answer as Promise<T>;
    const answer = api.prometheus<{ data: T }>(path, query.toString()).then(
      ({ data }) => data,
      () => {
        this.kept.delete(key);
        return otherwise;
      },
    );
    this.kept.set(key, { untilMs: performance.now() + KEPT_MS, answer });
    return answer;
  }
}

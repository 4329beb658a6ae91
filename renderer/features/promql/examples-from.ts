import { selectorText } from '#contracts/promql-text.ts';

/** /api/v1/metadata */
export type Metadata = Readonly<Record<string, readonly { readonly type: string }[]>>;
/** First queries over metrics that are there: a counter's rate, a histogram's 95th percentile, a gauge. Pure. */
export function examplesFrom(metadata: Metadata): string[] {
  const names = Object.keys(metadata).sort();
  const first = (type: string): string | undefined =>
    names.find(
      (name) => metadata[name]?.[0]?.type === type && !/^(?:[A-Z]|scrape_|slo[:_])/.test(name) && !/_(?:bucket|sum|count)$/.test(name),
    );
  const [counter, histogram, gauge] = [first('counter'), first('histogram'), first('gauge')];
  return [
    ...(counter ? [`sum by (job) (rate(${selectorText(counter, [])}[5m]))`] : []),
    ...(histogram ? [`histogram_quantile(0.95, sum by (job, le) (rate(${selectorText(`${histogram}_bucket`, [])}[5m])))`] : []),
    ...(gauge ? [selectorText(gauge, [])] : []),
    'topk(10, count by (__name__) ({__name__!=""}))',
  ];
}

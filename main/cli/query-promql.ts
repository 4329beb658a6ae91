import { FaultlineError } from '#contracts/errors.ts';
import { type AnswerFormat, alignedTable, csvLine, visible } from './format-table.ts';
import { parseTime, valueAt } from './parse-values.ts';
import { type InstanceFlags, withConsole } from './with-console.ts';

export interface PromqlFlags extends InstanceFlags {
  readonly time?: string;
  readonly start?: string;
  readonly end?: string;
  readonly step?: string;
  readonly format: AnswerFormat;
}
type Point = readonly [seconds: number, value: unknown];
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
  readonly histogram?: Point;
  readonly histograms?: readonly Point[];
}
interface Answer {
  readonly data: { readonly resultType: string; readonly result: readonly Series[] | Point };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}
/** `faultline query promql`: at one time, or between --start and --end. @throws FaultlineError */
export async function queryPromql(query: string, flags: PromqlFlags): Promise<number> {
  const nowMs = Date.now();
  const seconds = (flag: string, text: string): string =>
    String(valueAt(flag, text, (time) => parseTime(time, nowMs), 'bad_request') / 1000);
  const isRange = flags.start !== undefined || flags.end !== undefined || flags.step !== undefined;
  if (isRange && flags.time !== undefined)
    throw new FaultlineError('bad_request', 'A query is of one time (--time) or of a range (--start, --end, --step), not of both.');
  const form = new URLSearchParams({ query });
  if (!isRange) form.set('time', seconds('--time', flags.time ?? 'now'));
  else {
    const [start, end] = [seconds('--start', flags.start ?? 'now-1h'), seconds('--end', flags.end ?? 'now')];
    form.set('start', start);
    form.set('end', end);
    // As many points as a chart has.
    form.set('step', flags.step ?? String(Math.max(1, Math.ceil((Number(end) - Number(start)) / 250))));
  }
  const text = await withConsole({ flags }, async (console) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() };
    return (await console.call(`/api/v1/${isRange ? 'query_range' : 'query'}`, init)).text();
  });
  const answer = JSON.parse(text) as Answer;
  for (const note of [...(answer.warnings ?? []), ...(answer.infos ?? [])]) process.stderr.write(`${note}\n`);
  process.stdout.write(flags.format === 'json' ? `${text}\n` : formatAnswer(answer, flags.format));
  return 0;
}
function* linesOf({ resultType, result }: Answer['data']): Iterable<[Readonly<Record<string, string>>, Point]> {
  if (resultType === 'scalar' || resultType === 'string') return yield [{}, result as Point];
  for (const { metric, value, values, histogram, histograms } of result as readonly Series[])
    for (const point of [...(values ?? []), ...(value ? [value] : []), ...(histograms ?? []), ...(histogram ? [histogram] : [])])
      yield [metric, point];
}
const timeOf = (seconds: number): string => new Date(Math.round(seconds * 1000)).toISOString();
const shownValue = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
/** `csv`: a column for each label; `table`: series, time and value. */
export function formatAnswer({ data }: Answer, format: 'csv' | 'table'): string {
  const lines = [...linesOf(data)];
  if (format === 'csv') {
    const labels = [...new Set(lines.flatMap(([metric]) => Object.keys(metric)))].sort();
    const rows = lines.map(([metric, [at, value]]) => [...labels.map((label) => metric[label] ?? ''), timeOf(at), shownValue(value)]);
    return [[...labels, 'time', 'value'], ...rows].map(csvLine).join('');
  }
  const nameOf = ({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string =>
    `${name}{${Object.entries(labels)
      .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
      .join(', ')}}`;
  return alignedTable(
    ['series', 'time', 'value'],
    lines.map(([metric, [at, value]]) => [visible(nameOf(metric)), timeOf(at), visible(shownValue(value))]),
  );
}

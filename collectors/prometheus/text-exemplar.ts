import { parseLabels, SeriesSyntaxError } from './series-text.ts';

/** An exemplar of OpenMetrics' text: `{trace_id="..."} value [seconds]`. */
export interface TextExemplar {
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
  /** Unix time, microseconds; null: not said. */
  readonly unixMicros: number | null;
}
const CLOSE = 125;

/** @param start of its "{" @param end of the line @throws SeriesSyntaxError */
export function readTextExemplar(body: Uint8Array, start: number, end: number, strict: boolean): TextExemplar {
  const close = body.lastIndexOf(CLOSE, end - 1);
  if (close < start) throw new SeriesSyntaxError('the labels of an exemplar do not end');
  const rest = Buffer.from(body.buffer, body.byteOffset + close + 1, end - close - 1)
    .toString('latin1')
    .trim();
  const [value = '', time = ''] = rest.split(' ');
  if (value === '' || Number.isNaN(Number(value)))
    throw new SeriesSyntaxError(`the value of an exemplar is "${value.slice(0, 40)}", no number`);
  const unixMicros = time === '' ? null : Math.round(Number(time) * 1e6);
  if (unixMicros !== null && !Number.isFinite(unixMicros))
    throw new SeriesSyntaxError(`the time of an exemplar is "${time.slice(0, 40)}", no seconds`);
  return { labels: parseLabels(body, start, close + 1, strict), value: Number(value), unixMicros };
}

import { parseNumber } from './parse-number.ts';
import { parseLabels, SeriesSyntaxError } from './series-text.ts';

/** An exemplar of OpenMetrics' text: `{trace_id="..."} value [seconds]`. */
export interface TextExemplar {
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
  /** Unix time, microseconds; null: not said. */
  readonly unixMicros: number | null;
}
const CLOSE = 125;
function numberOf(text: string): number | undefined {
  const bytes = Buffer.from(text, 'latin1');
  return parseNumber(bytes, 0, bytes.length);
}

/** @param start of its "{" @param end of the line @throws SeriesSyntaxError */
export function readTextExemplar(body: Uint8Array, start: number, end: number, strict: boolean): TextExemplar {
  const close = body.lastIndexOf(CLOSE, end - 1);
  if (close < start) throw new SeriesSyntaxError('the labels of an exemplar do not end');
  const rest = Buffer.from(body.buffer, body.byteOffset + close + 1, end - close - 1).toString('latin1');
  // One blank before each and none behind, as Prometheus has it.
  const parts = strict ? /^ ([^ ]+)(?: ([^ ]+))?$/.exec(rest) : /^\s*(\S+)(?:\s+(\S+))?\s*$/.exec(rest);
  if (parts === null) throw new SeriesSyntaxError(`behind the labels of an exemplar stands "${rest.slice(0, 40)}", not its value`);
  const [, valueText = '', timeText] = parts;
  const value = numberOf(valueText);
  if (value === undefined) throw new SeriesSyntaxError(`the value of an exemplar is "${valueText.slice(0, 40)}", no number`);
  const unixMicros = timeText === undefined ? null : Math.round((numberOf(timeText) ?? Number.NaN) * 1e6);
  if (unixMicros !== null && !Number.isFinite(unixMicros))
    throw new SeriesSyntaxError(`the time of an exemplar is "${timeText?.slice(0, 40)}", no seconds`);
  return { labels: parseLabels(body, start, close + 1, strict), value, unixMicros };
}

import { parseJsonText } from '#collectors/otlp/json-text.ts';
import { attributesOf, objectOf, textOf, wrong } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { type LokiStream, PushReading } from './push-entry.ts';

const ADVICE = 'Loki push takes {"streams": [{"stream": {"label": "value"}, "values": [["<nanoseconds>", "<line>"]]}]}.';

/** Nanoseconds as text, the letter of the API, or as a number with all its digits. */
function timeOf(value: unknown): bigint {
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw wrong('its time', 'a text of nanoseconds', value);
}
function readEntry(reading: PushReading, stream: LokiStream, value: unknown): void {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) throw wrong('it', '[time, line] or [time, line, metadata]', value);
  const [time, line, metadata] = value as unknown[];
  if (typeof line !== 'string') throw wrong('its line', 'text', line);
  reading.add(stream, timeOf(time), textOf('its line', line), attributesOf('its metadata', metadata));
}

/** @throws OtlpError invalid_utf8, malformed */
export function readJsonPush(body: Uint8Array): PushReading {
  const request = parseJsonText(body);
  const streams = typeof request === 'object' && request !== null ? (request as { readonly streams?: unknown }).streams : undefined;
  if (!Array.isArray(streams)) throw new OtlpError('malformed', `there is no array "streams". ${ADVICE}`);
  const reading = new PushReading();
  for (let i = 0; i < streams.length; i++) {
    const given: unknown = streams[i];
    const values: unknown = (given as { readonly values?: unknown } | null)?.values;
    reading.attempt(
      () => `stream ${i}`,
      Array.isArray(values) ? Math.max(1, values.length) : 1,
      () => {
        const stream: LokiStream = { labels: attributesOf('stream', objectOf('it', given)['stream']), entries: [] };
        if (!Array.isArray(values)) throw wrong('values', 'an array', values);
        for (let j = 0; j < values.length; j++)
          reading.attempt(
            () => `stream ${i}, entry ${j}`,
            1,
            () => readEntry(reading, stream, values[j]),
          );
        reading.streams.push(stream);
      },
    );
  }
  return reading;
}

/**
 * What the answer to an OTLP/HTTP request means for the queue it came from. OTLP specification, "OTLP/HTTP Response" and
 * "Failures": only 429, 502, 503 and 504 may be sent again; 408 is added, as it says that the request did not arrive.
 */
export type Verdict =
  | { readonly kind: 'sent'; readonly rejectedItems: number; readonly note: string }
  /** Again, at the earliest after so long where the destination said so. */
  | { readonly kind: 'retry'; readonly message: string; readonly retryAfterMs: number | null }
  /** This body will never be taken. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Address or credentials are wrong: every body would meet the same; waits for the operator. */
  | { readonly kind: 'blocked'; readonly message: string };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most MAX_ANSWER_BYTES of it. */
  readonly body: Uint8Array;
}
/** OTLP specification: a client should not read more of an answer than this. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** A destination that asks for more patience than this is asked again after it. */
export const MAX_RETRY_AFTER_MS = 3_600_000;
const RETRYABLE: readonly number[] = [408, 429, 502, 503, 504];
const MAX_MESSAGE_CHARS = 300;

export function judgeAnswer({ status, headers, body }: Answer, nowMs: number): Verdict {
  if (status >= 200 && status < 300) return { kind: 'sent', ...readPartialSuccess(body, String(headers['content-type'] ?? '')) };
  const said = messageOf(body, String(headers['content-type'] ?? ''));
  const message = `HTTP ${status}${said === '' ? '' : `: ${said}`}`;
  if (RETRYABLE.includes(status)) return { kind: 'retry', message, retryAfterMs: retryAfterMs(headers['retry-after'], nowMs) };
  if (status === 401 || status === 403)
    return { kind: 'blocked', message: `The destination refuses the credentials (${message}). Check the headers, then resume.` };
  if (status === 404 || status === 405 || (status >= 300 && status < 400))
    return { kind: 'blocked', message: `No OTLP receiver answers at this address (${message}). Check the URL, then resume.` };
  return { kind: 'failed', message };
}

/** RFC 9110, 10.2.3: seconds or a date. null: not there, or not to be understood. */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : /^[A-Za-z]{3},/.test(text) ? Date.parse(text) - nowMs : Number.NaN;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** First 1 s, doubled each time up to 30 s, give or take a half: many consoles must not come back at one moment. */
const FIRST_BACK_OFF_MS = 1_000;
const LAST_BACK_OFF_MS = 30_000;
/**
 * @param failures in a row, 1 for the first
 * @param random 0 to 1
 * @returns when to try again, in milliseconds from now; never before the destination's own Retry-After
 */
export function backOffMs(failures: number, askedMs: number | null, random: number): number {
  // What was asked for is honoured to the millisecond and spread upwards only.
  if (askedMs !== null) return Math.round(askedMs + random * Math.min(1_000, Math.max(100, askedMs * 0.1)));
  const base = Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(base * (0.5 + random));
}

interface Partial {
  readonly rejectedItems: number;
  readonly note: string;
}
/** partial_success of any Export*ServiceResponse: rejected = 1, error_message = 2. What cannot be read counts as taken. */
function readPartialSuccess(body: Uint8Array, contentType: string): Partial {
  const nothing = { rejectedItems: 0, note: '' };
  if (body.length === 0) return nothing;
  try {
    return /json/i.test(contentType) ? partialOfJson(body) : partialOfProtobuf(body);
  } catch {
    return { rejectedItems: 0, note: 'The destination took the request with an answer that is not OTLP.' };
  }
}
function partialOfJson(body: Uint8Array): Partial {
  const { partialSuccess = {} } = JSON.parse(Buffer.from(body).toString()) as { partialSuccess?: Record<string, unknown> };
  const count = Number(
    partialSuccess['rejectedSpans'] ?? partialSuccess['rejectedLogRecords'] ?? partialSuccess['rejectedDataPoints'] ?? 0,
  );
  return { rejectedItems: whole(count), note: clip(String(partialSuccess['errorMessage'] ?? '')) };
}
const whole = (count: number): number => (Number.isSafeInteger(count) && count > 0 ? count : 0);
function partialOfProtobuf(body: Uint8Array): Partial {
  let rejectedItems = 0;
  let note = '';
  for (const field of fieldsOf(body)) {
    if (field.number !== 1 || !(field.value instanceof Uint8Array)) continue;
    for (const inner of fieldsOf(field.value)) {
      if (inner.number === 1 && typeof inner.value === 'number') rejectedItems = whole(inner.value);
      else if (inner.number === 2 && inner.value instanceof Uint8Array) note = clip(Buffer.from(inner.value).toString());
    }
  }
  return { rejectedItems, note };
}
/** The destination's own words: google.rpc.Status in protobuf or JSON, or plain text. */
function messageOf(body: Uint8Array, contentType: string): string {
  if (body.length === 0) return '';
  try {
    if (/json/i.test(contentType)) {
      const { message } = JSON.parse(Buffer.from(body).toString()) as { message?: unknown };
      return typeof message === 'string' ? clip(message) : '';
    }
    if (/protobuf/i.test(contentType)) {
      const field = fieldsOf(body).find(({ number, value }) => number === 2 && value instanceof Uint8Array);
      return field ? clip(Buffer.from(field.value as Uint8Array).toString()) : '';
    }
  } catch {
    return '';
  }
  return /text\/plain/i.test(contentType) ? clip(Buffer.from(body.subarray(0, MAX_MESSAGE_CHARS * 4)).toString()) : '';
}
/** One line without control characters: it is shown and logged, and a stranger wrote it. */
function clip(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line.length > MAX_MESSAGE_CHARS ? `${line.slice(0, MAX_MESSAGE_CHARS)}…` : line;
}

interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}
/** Fields of one small message. @throws on bytes that are no protobuf */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 63) throw new Error('not protobuf');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('not protobuf');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new Error('not protobuf');
    const wire = tag % 8;
    if (wire === 0) fields.push({ number, value: varint() });
    else if (wire === 2) fields.push({ number, value: take(varint()) });
    else if (wire === 1) take(8);
    else if (wire === 5) take(4);
    else throw new Error('not protobuf');
  }
  return fields;
}

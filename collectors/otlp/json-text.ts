import { OtlpError } from './otlp-error.ts';

/**
 * JSON text to values without losing digits: 64-bit integers may stand in OTLP/JSON as plain numbers, and JSON.parse
 * rounds those beyond 2^53. Such numbers come out as their digits, in a string, which the mapping reads the same way.
 */
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Digits of a number beyond 2^53 (9,007,199,254,740,992), outside or inside a string: worth the slow way. Microseconds are not: a quarter of an import. */
const MAY_ROUND = /9\d{15}|\d{17}/;
const BARE = /[[:,]\s*-?(?:9\d{15}|\d{17})/;
/** Not part of the ES2023 library types: the source text of a primitive (ECMA-262, JSON.parse source text access). */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? source : value;
}

/**
 * A value takes two bytes of text at least, and sixty of memory: 20 million of them held the collector up for 13 s. An honest body has
 * one in twelve bytes, and so five million at the most.
 */
const MAX_VALUES = 8 * 1_048_576;
const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];
function refuseTooMany(body: Uint8Array): void {
  if (body.length < 2 * MAX_VALUES) return;
  let values = 0;
  let isText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) values++;
  }
  if (values > MAX_VALUES) throw new OtlpError('decompressed_too_large', `the JSON text has ${values} values, the limit is ${MAX_VALUES}`);
}

/** @throws OtlpError invalid_utf8, decompressed_too_large, or malformed, with the parser's word on where */
export function parseJsonText(body: Uint8Array): unknown {
  refuseTooMany(body);
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw new OtlpError('invalid_utf8', 'the JSON text is not valid UTF-8');
  }
  try {
    // Quoted numbers, as every OpenTelemetry SDK writes them, need no care: only bare ones do.
    return MAY_ROUND.test(text) && BARE.test(text)
      ? JSON.parse(text, keepDigits as SourceReviver as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch (error) {
    throw new OtlpError('malformed', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

import { OtlpError } from '#collectors/otlp/otlp-error.ts';

/**
 * The labels of a stream as protobuf senders write them: `{job="web", path="C:\\logs"}`. Values are Go's string literals
 * (go.dev/ref/spec, "String literals"), which Prometheus' label sets are written with; names may stand in quotes too.
 */
/** Loki itself takes 15 labels of 1 KiB and 2 KiB; a regular expression walks no further than its own stack. */
export const MAX_LABEL_CHARS = 1024 * 1024;
const SPACE = /\s*/y;
const NAME = /[^\s"'`{}=,]+/y;
const PLAIN = /"([^"\\\n]*)"/y;
const RAW = /`([^`]*)`/y;
const ESCAPED = /"((?:[^"\\\n]|\\[^\n])*)"/y;
const ESCAPE = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)/gs;
const SHORT: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

class LabelText {
  private at = 0;
  private readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  fail(wanted: string): OtlpError {
    const found = this.at < this.text.length ? JSON.stringify(this.text.slice(this.at, this.at + 20)) : 'its end';
    return new OtlpError('malformed', `the labels have no ${wanted} at character ${this.at}, but ${found}`);
  }
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at = pattern.lastIndex;
    return match;
  }
  /** One character, with the white space around it. */
  sign(character: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== character) return false;
    this.at++;
    this.take(SPACE);
    return true;
  }
  quoted(): string | null {
    const plain = this.take(PLAIN) ?? this.take(RAW);
    if (plain) return plain[1] as string;
    const escaped = this.take(ESCAPED);
    return escaped ? unescaped(escaped[1] as string) : null;
  }
  get ended(): boolean {
    return this.at === this.text.length;
  }
}
/** Bytes written as \x and octal may be parts of one character: the text is put together as bytes. */
function unescaped(text: string): string {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const match of text.matchAll(ESCAPE)) {
    const [all, short, hex, octal, four, eight] = match;
    parts.push(Buffer.from(text.slice(from, match.index)));
    from = match.index + all.length;
    const point = four ?? eight;
    if (short !== undefined) parts.push(Buffer.from(SHORT[short] ?? short));
    else if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) parts.push(Uint8Array.of(Number.parseInt(octal, 8) & 0xff));
    else if (point !== undefined && Number.parseInt(point, 16) <= 0x10ffff)
      parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(point, 16))));
    else throw new OtlpError('malformed', `the labels have an escape that Go does not know: ${JSON.stringify(all)}`);
  }
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts).toString('utf8');
}

/** @throws OtlpError malformed */
export function parseLabels(text: string): [string, string][] {
  if (text.length > MAX_LABEL_CHARS)
    throw new OtlpError('malformed', `the labels have ${text.length} characters, the limit is ${MAX_LABEL_CHARS}`);
  const labels: [string, string][] = [];
  const input = new LabelText(text);
  if (!input.sign('{')) throw input.fail('"{"');
  while (!input.sign('}')) {
    if (labels.length > 0 && !input.sign(',')) throw input.fail('"," or "}"');
    // A comma before the end is legal, as in Prometheus.
    if (labels.length > 0 && input.sign('}')) break;
    const name = input.take(NAME)?.[0] ?? input.quoted();
    if (name === null || name === '') throw input.fail('name');
    if (!input.sign('=')) throw input.fail('"="');
    const value = input.quoted();
    if (value === null) throw input.fail('value in quotes');
    labels.push([name, value]);
  }
  if (!input.ended) throw input.fail('end');
  return labels;
}

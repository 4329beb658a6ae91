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
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;
/** The byte that `\` and this character stand for. */
const SHORT: ReadonlyMap<string, number> = new Map(
  Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 0x5c, "'": 0x27, '"': 0x22 }),
);

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
/**
 * Bytes written as \x and octal may be parts of one character: the text is put together as bytes. No escape is shorter than what it stands
 * for. One pass, and nothing made for the short ones: a megabyte of them took a second.
 */
function unescaped(text: string): string {
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(text));
  let length = 0;
  let from = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    if (at > from) length += bytes.write(text.slice(from, at), length);
    const short = SHORT.get(text[at + 1] as string);
    if (short !== undefined) {
      bytes[length++] = short;
      from = at + 2;
      continue;
    }
    ESCAPE.lastIndex = at;
    const [all = '', hex, octal, four, eight] = ESCAPE.exec(text) ?? [];
    const point = Number.parseInt(four ?? eight ?? '', 16);
    if (hex !== undefined) bytes[length++] = Number.parseInt(hex, 16);
    else if (octal !== undefined) bytes[length++] = Number.parseInt(octal, 8);
    else if (point <= 0x10ffff) length += bytes.write(String.fromCodePoint(point), length);
    else throw new OtlpError('malformed', `the labels have an escape that Go does not know: ${JSON.stringify(text.slice(at, at + 10))}`);
    from = at + all.length;
  }
  length += bytes.write(text.slice(from), length);
  return bytes.toString('utf8', 0, length);
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

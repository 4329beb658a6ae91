import { ByteIndex } from '#collectors/otlp/byte-index.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { isValidUtf8 } from '#collectors/otlp/utf8.ts';
import { readLength, readTag, skipField, type WireInput } from '#collectors/otlp/wire.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';

/** What is said of a series' labels; 0 = they are as they should be. */
export const LABEL_REASONS = ['ok', 'invalid_labels', 'too_many_labels', 'label_too_long', 'bad_symbol'] as const;
export const LABELS_OK = 0;
export const INVALID_LABELS = 1;
export const TOO_MANY_LABELS = 2;
export const LABEL_TOO_LONG = 3;
export const BAD_SYMBOL = 4;
export const labelReason = (verdict: number): ReasonCode => LABEL_REASONS[verdict] as ReasonCode;

export type LabelLimits = Pick<Limits, 'maxAttributes' | 'maxAttributeBytes'>;
const NAME = Buffer.from('__name__');
const DESCRIBED_CHARS = 200;

/** One Label message; its parts are offsets into the bytes it was read from. */
class LabelParts {
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  read(input: WireInput, end: number): void {
    this.nameStart = this.nameEnd = this.valueStart = this.valueEnd = input.pos;
    while (input.pos < end) {
      const tag = readTag(input, end);
      if (tag !== 0x0a && tag !== 0x12) {
        skipField(input, tag, end);
        continue;
      }
      const length = readLength(input, end);
      const start = input.pos;
      input.pos = start + length;
      if (!isValidUtf8(input.bytes, input.view, start, input.pos))
        throw new OtlpError('invalid_utf8', `a label at byte ${start} is not valid UTF-8`);
      if (tag === 0x0a) {
        this.nameStart = start;
        this.nameEnd = input.pos;
      } else {
        this.valueStart = start;
        this.valueEnd = input.pos;
      }
    }
  }
}
const part = new LabelParts();

const textOf = ({ bytes }: WireInput, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
/** Order of two names by their bytes. */
function compare(bytes: Uint8Array, aStart: number, aEnd: number, bStart: number, bEnd: number): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[aStart + i] as number) - (bytes[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** What is wrong with labels, and for whom it is said. */
export interface LabelProblem {
  readonly verdict: number;
  readonly says: string;
}
const problem = (verdict: number, says: string): LabelProblem => ({ verdict, says });

/** Judges the label fields in [start, end). @returns null when they are as remote write wants them. @throws OtlpError */
export function judgeLabels(input: WireInput, start: number, end: number, limits: LabelLimits): LabelProblem | null {
  const { bytes } = input;
  let lastStart = 0;
  let lastEnd = 0;
  let count = 0;
  let named = false;
  let found: LabelProblem | null = null;
  input.pos = start;
  while (input.pos < end) {
    readTag(input, end);
    const length = readLength(input, end);
    part.read(input, input.pos + length);
    const { nameStart, nameEnd, valueStart, valueEnd } = part;
    count++;
    const name = (): string => JSON.stringify(textOf(input, nameStart, Math.min(nameEnd, nameStart + DESCRIBED_CHARS)));
    if (nameEnd === nameStart) found ??= problem(INVALID_LABELS, 'a label has no name');
    if (count > 1) {
      const order = compare(bytes, lastStart, lastEnd, nameStart, nameEnd);
      if (order === 0) found ??= problem(INVALID_LABELS, `label ${name()} comes twice`);
      else if (order > 0) found ??= problem(INVALID_LABELS, `label ${name()} is out of order: labels must be sorted by name`);
    }
    if (nameEnd - nameStart > limits.maxAttributeBytes || valueEnd - valueStart > limits.maxAttributeBytes)
      found ??= problem(LABEL_TOO_LONG, `label ${name()} has more than ${limits.maxAttributeBytes} bytes`);
    named ||= valueEnd > valueStart && NAME.equals(bytes.subarray(nameStart, nameEnd));
    lastStart = nameStart;
    lastEnd = nameEnd;
  }
  if (found) return found;
  if (count > limits.maxAttributes + 1) return problem(TOO_MANY_LABELS, `it has ${count} labels, the limit is ${limits.maxAttributes}`);
  return named ? null : problem(INVALID_LABELS, 'it has no metric name (label __name__)');
}

/** The labels with a value in [start, end), which were found in order. An empty value is no label. */
export function readLabels(input: WireInput, start: number, end: number): Map<string, string> {
  const labels = new Map<string, string>();
  input.pos = start;
  while (input.pos < end) {
    readTag(input, end);
    const length = readLength(input, end);
    part.read(input, input.pos + length);
    if (part.valueEnd > part.valueStart)
      labels.set(textOf(input, part.nameStart, part.nameEnd), textOf(input, part.valueStart, part.valueEnd));
  }
  return labels;
}
/** For a sentence: the beginning of a series, whatever its labels are. */
export function describeLabels(input: WireInput, start: number, end: number): string {
  const parts: string[] = [];
  let chars = 0;
  input.pos = start;
  while (input.pos < end && chars < DESCRIBED_CHARS) {
    readTag(input, end);
    const length = readLength(input, end);
    part.read(input, input.pos + length);
    const cut = (from: number, to: number): string => textOf(input, from, Math.min(to, from + DESCRIBED_CHARS));
    parts.push(`${cut(part.nameStart, part.nameEnd)}=${JSON.stringify(cut(part.valueStart, part.valueEnd))}`);
    chars += (parts.at(-1) as string).length;
  }
  return `{${parts.join(', ')}}`.slice(0, DESCRIBED_CHARS);
}

/** Kinds of points of which each series has a number of its own in the dictionary. */
export const FLOATS = 0;
export const EXPONENTIAL = 1;
export const CUSTOM = 2;
const KINDS = 3;

const MAX_LABEL_BYTES = 128 * 1024 * 1024;
const MAX_SERIES = 1_000_000;
const NONE = -1;

/**
 * Series by the bytes of their label fields: what was said of them, and in the engine their ids. A sender repeats its
 * series in the same order, so the one that followed last time is compared first and only a surprise is hashed.
 */
export class LabelIndex {
  private readonly index: ByteIndex;
  private verdicts = new Uint8Array(1024);
  private ids = new Uint32Array(1024 * KINDS);
  private next = new Int32Array(1024);
  private last = NONE;
  private limits: LabelLimits = { maxAttributes: 0, maxAttributeBytes: 0 };

  /** @param maxBytes what may be remembered; beyond it everything is forgotten with the next request */
  constructor(maxBytes: number = MAX_LABEL_BYTES) {
    this.index = new ByteIndex(maxBytes);
  }
  begin(limits: LabelLimits): void {
    const same = limits.maxAttributes === this.limits.maxAttributes && limits.maxAttributeBytes === this.limits.maxAttributeBytes;
    if (same && !this.index.isFull && this.index.count < MAX_SERIES) return;
    this.limits = { maxAttributes: limits.maxAttributes, maxAttributeBytes: limits.maxAttributeBytes };
    this.index.clear();
    this.last = NONE;
  }

  /**
   * Length of the label bytes at `start` when they are those of the series that came next the last time; -1 otherwise.
   * @param end of everything that may be read as labels
   */
  predict(view: DataView, start: number, end: number, salt: number): number {
    const entry = this.last < 0 ? NONE : (this.next[this.last] as number);
    if (entry < 0) return NONE;
    const length = this.index.lengthOf(entry);
    if (length > end - start || !this.index.matches(entry, view, start, length, salt)) return NONE;
    this.last = entry;
    return length;
  }
  /** The series that predict or find named last; -1 = not remembered. */
  get entry(): number {
    return this.last;
  }
  /** Finds or learns the series whose label fields are the bytes [start, end) of `input`. @returns the verdict @throws OtlpError */
  find(input: WireInput, start: number, end: number, salt: number): number {
    const length = end - start;
    const before = this.last;
    let entry = this.index.find(input.view, start, length, salt);
    let verdict: number;
    if (entry >= 0) verdict = this.verdicts[entry] as number;
    else {
      verdict = judgeLabels(input, start, end, this.limits)?.verdict ?? LABELS_OK;
      entry = this.index.add(input.bytes, input.view, start, length, salt);
      if (entry >= 0) this.learn(entry, verdict);
    }
    if (before >= 0) this.next[before] = entry;
    this.last = entry;
    return verdict;
  }
  private learn(entry: number, verdict: number): void {
    if (entry >= this.verdicts.length) this.grow();
    this.verdicts[entry] = verdict;
    this.ids.fill(0, entry * KINDS, (entry + 1) * KINDS);
    this.next[entry] = NONE;
  }
  verdictOf(entry: number): number {
    return this.verdicts[entry] as number;
  }
  /** What is wrong with labels that have a verdict. */
  explain(input: WireInput, start: number, end: number): string {
    const found = judgeLabels(input, start, end, this.limits);
    return `series ${describeLabels(input, start, end)}: ${found?.says ?? 'its labels are not usable'}`;
  }
  /** @returns 0 when not known yet */
  id(entry: number, kind: number): number {
    return entry < 0 ? 0 : (this.ids[entry * KINDS + kind] as number);
  }
  setId(entry: number, kind: number, id: number): void {
    if (entry >= 0) this.ids[entry * KINDS + kind] = id;
  }
  private grow(): void {
    const size = this.verdicts.length * 2;
    const [verdicts, ids, next] = [new Uint8Array(size), new Uint32Array(size * KINDS), new Int32Array(size)];
    verdicts.set(this.verdicts);
    ids.set(this.ids);
    next.set(this.next);
    this.verdicts = verdicts;
    this.ids = ids;
    this.next = next;
  }
}

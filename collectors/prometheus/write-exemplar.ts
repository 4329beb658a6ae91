import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { isValidUtf8 } from '#collectors/otlp/utf8.ts';
import { malformed, readLength, readTag, readVarint, skipField, type WireInput } from '#collectors/otlp/wire.ts';
import type { LabelLimits } from './write-labels.ts';
import type { SymbolTable } from './write-symbols.ts';

/** Exemplars are few: here texts may become strings. */
export interface WriteExemplar {
  unixMs: bigint;
  value: number;
  labels: (readonly [string, string])[];
  /** Why it cannot be kept, as a clause; '' when it can. */
  problem: string;
}
const MAX_LABELS = 64;

/** A string field. @throws OtlpError invalid_utf8 */
export function readText(input: WireInput, end: number): string {
  const size = readLength(input, end);
  const { bytes, view, pos: start } = input;
  input.pos = start + size;
  if (!isValidUtf8(bytes, view, start, input.pos)) throw new OtlpError('invalid_utf8', `a string at byte ${start} is not valid UTF-8`);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, size).toString('utf8');
}

/**
 * Reads the Exemplar at [input.pos, end) into `into`.
 * @param symbols null: labels are written out (1.0)
 * @throws OtlpError
 */
export function readExemplar(input: WireInput, end: number, symbols: SymbolTable | null, limits: LabelLimits, into: WriteExemplar): void {
  Object.assign(into, { unixMs: 0n, value: 0, labels: [], problem: '' });
  let name: string | null = null;
  const refer = (reference: number): void => {
    if (symbols === null || into.problem !== '') return;
    if (input.hi !== 0 || reference >= symbols.count) into.problem ||= 'a label refers to no symbol';
    else if (name === null) name = symbols.spend(reference);
    else {
      addLabel(into, name, symbols.spend(reference), limits);
      name = null;
    }
  };
  while (input.pos < end) {
    const tag = readTag(input, end);
    if (tag === 0x0a) {
      const size = readLength(input, end);
      const stop = input.pos + size;
      if (symbols === null) readLabel(input, stop, limits, into);
      else while (input.pos < stop) refer(readVarint(input, stop));
    } else if (tag === 0x08 && symbols !== null) refer(readVarint(input, end));
    else if (tag === 0x11) {
      if (end - input.pos < 8) throw malformed('a 64-bit number is cut off', input.pos);
      into.value = input.view.getFloat64(input.pos, true);
      input.pos += 8;
    } else if (tag === 0x18) {
      readVarint(input, end);
      into.unixMs = (BigInt(input.hi | 0) << 32n) | BigInt(input.lo);
    } else skipField(input, tag, end);
  }
  if (name !== null) into.problem ||= 'a label name has no value';
}
function readLabel(input: WireInput, end: number, limits: LabelLimits, into: WriteExemplar): void {
  let name = '';
  let value = '';
  while (input.pos < end) {
    const tag = readTag(input, end);
    if (tag === 0x0a) name = readText(input, end);
    else if (tag === 0x12) value = readText(input, end);
    else skipField(input, tag, end);
  }
  addLabel(into, name, value, limits);
}
function addLabel(into: WriteExemplar, name: string, value: string, { maxAttributes, maxAttributeBytes }: LabelLimits): void {
  if (name === '') into.problem ||= 'a label has no name';
  // An empty value is no label.
  else if (value === '') return;
  else if (into.labels.some(([known]) => known === name)) into.problem ||= `label ${JSON.stringify(name.slice(0, 100))} comes twice`;
  else if (into.labels.length >= Math.min(maxAttributes, MAX_LABELS) || name.length + value.length > maxAttributeBytes)
    into.problem ||= 'its labels are over the limits';
  else into.labels.push([name, value]);
}

import { readLength, readTag, readVarint, skipField, type WireInput, wireInput } from '#collectors/otlp/wire.ts';
import { SnappyBuffer } from '#collectors/pipeline/snappy.ts';
import type { WriteVersion } from './write-reader.ts';

/** Which services a remote write request tells of, and how much of it is whose: asked only where a limit is one of services. */
const inflated = new SnappyBuffer();
/** The series' service, as in the dictionary (series-identity.ts). */
const NAMES = ['service_name', 'job'] as const;
const TIMESERIES = { 1: 0x0a, 2: 0x2a } as const;
const SYMBOL = 0x22;
const LABEL = 0x0a;

const textAt = ({ bytes }: WireInput, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');

/** @returns a name and its value by turns */
function* labelTexts(input: WireInput, end: number, version: WriteVersion, symbols: readonly string[]): Iterable<string> {
  while (input.pos < end) {
    const tag = readTag(input, end);
    if (tag !== LABEL) {
      skipField(input, tag, end);
      continue;
    }
    const stop = readLength(input, end) + input.pos;
    if (version === 2) {
      while (input.pos < stop) yield symbols[readVarint(input, stop)] ?? '';
      continue;
    }
    let [name, value] = ['', ''];
    while (input.pos < stop) {
      const part = readTag(input, stop);
      if (part !== 0x0a && part !== 0x12) {
        skipField(input, part, stop);
        continue;
      }
      const length = readLength(input, stop);
      const text = textAt(input, input.pos, input.pos + length);
      input.pos += length;
      if (part === 0x0a) name = text;
      else value = text;
    }
    yield name;
    yield value;
  }
}
function serviceOf(input: WireInput, end: number, version: WriteVersion, symbols: readonly string[]): string {
  const found = new Map<string, string>();
  let name: string | null = null;
  for (const text of labelTexts(input, end, version, symbols)) {
    if (name === null) name = text;
    else {
      if ((NAMES as readonly string[]).includes(name)) found.set(name, text);
      name = null;
    }
  }
  return found.get('service_name') ?? found.get('job') ?? '';
}

/**
 * @param body checked before, one snappy block
 * @returns share of each service in what the request's series take, together 1; '' for series that name none
 * @throws OtlpError, DecompressError of a body that was not checked
 */
export function writeServices(version: WriteVersion, body: Uint8Array): ReadonlyMap<string, number> {
  inflated.fill(body, Number.MAX_SAFE_INTEGER);
  const { length } = inflated;
  const input = wireInput(inflated.bytes.subarray(0, length));
  const symbols: string[] = [];
  const series: (readonly [start: number, end: number])[] = [];
  while (input.pos < length) {
    const tag = readTag(input, length);
    if (tag !== SYMBOL && tag !== TIMESERIES[version]) {
      skipField(input, tag, length);
      continue;
    }
    const end = readLength(input, length) + input.pos;
    if (tag === TIMESERIES[version]) series.push([input.pos, end]);
    else if (version === 2) symbols.push(textAt(input, input.pos, end));
    input.pos = end;
  }
  const bytes = new Map<string, number>();
  let all = 0;
  for (const [start, end] of series) {
    input.pos = start;
    const service = serviceOf(input, end, version, symbols);
    bytes.set(service, (bytes.get(service) ?? 0) + end - start);
    all += end - start;
  }
  return all === 0 ? new Map([['', 1]]) : new Map([...bytes].map(([service, own]) => [service, own / all]));
}

import { encodeSnappy } from '../tests/fixtures/encode-snappy.ts';
import type { Payload } from './load.ts';

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
};
const field = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([tag]), varint(content.length), content]);
const text = (tag: number, value: string): Buffer => field(tag, Buffer.from(value));

/** One scraped sample: labels with __name__, sorted, as they are sent. */
export interface ScrapedSample {
  readonly labels: Buffer;
  readonly value: number;
}
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const NUMBERS: Readonly<Record<string, number>> = { '+Inf': Number.POSITIVE_INFINITY, '-Inf': Number.NEGATIVE_INFINITY, NaN: Number.NaN };
const known = new Map<string, Buffer>();
/** Samples of one exposition in Prometheus text, as instance `instance` of job node. */
export function scraped(exposition: string, instance: string): ScrapedSample[] {
  return exposition.split('\n').flatMap((line) => {
    const parts = LINE.exec(line);
    if (line.startsWith('#') || !parts) return [];
    const key = `${instance} ${line.slice(0, line.lastIndexOf(' '))}`;
    let labels = known.get(key);
    if (!labels) {
      const pairs = [...(parts[2] ?? '').matchAll(LABEL)].map((match): [string, string] => [
        match[1]!,
        match[2]!.replaceAll(/\\(.)/g, '$1'),
      ]);
      pairs.push(['__name__', parts[1]!], ['instance', instance], ['job', 'node']);
      pairs.sort(([a], [b]) => (a < b ? -1 : 1));
      labels = Buffer.concat(pairs.map(([name, value]) => field(0x0a, Buffer.concat([text(0x0a, name), text(0x12, value)]))));
      known.set(key, labels);
    }
    return [{ labels, value: NUMBERS[parts[3]!] ?? Number(parts[3]) }];
  });
}
/** A remote write 1.0 request of samples of one time. */
export function writeRequest(samples: readonly ScrapedSample[], timeMs: number): Payload {
  const time = varint(timeMs);
  const series = samples.map(({ labels, value }) => {
    const sample = Buffer.alloc(10 + time.length);
    sample[0] = 0x09;
    sample.writeDoubleLE(value, 1);
    sample[9] = 0x10;
    sample.set(time, 10);
    return field(0x0a, Buffer.concat([labels, field(0x12, sample)]));
  });
  return { body: encodeSnappy(Buffer.concat(series)), items: samples.length };
}

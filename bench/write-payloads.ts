import { encodeSnappy } from '../tests/fixtures/encode-snappy.ts';
import type { Payload } from './load.ts';
import { seededRandom } from './payloads.ts';

export const WRITE_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
function label(name: string, value: string): Buffer {
  const inner = Buffer.concat([Buffer.from([0x0a]), text(name), Buffer.from([0x12]), text(value)]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const CODES = ['200', '201', '404', '500', '503'];
/** Labels as an HTTP service has them, sorted: 20 routes x 4 methods x 5 codes on each instance. */
function labelsOf(i: number): Buffer {
  const pairs: [string, string][] = [
    ['__name__', 'http_server_requests_total'],
    ['code', CODES[i % 5] as string],
    ['env', 'production'],
    ['instance', `10.0.${Math.floor(i / 400) % 250}.17:9100`],
    ['job', 'storefront'],
    ['method', METHODS[Math.floor(i / 5) % 4] as string],
    ['route', `/api/v1/resource-${Math.floor(i / 20) % 20}`],
  ];
  return Buffer.concat(pairs.map(([name, value]) => label(name, value)));
}

/** Remote write 1.0 requests in time order: counters that grow by whole numbers, a sample of each series a step. */
export function writePayloads(options: {
  readonly series: number;
  readonly perRequest: number;
  readonly steps: number;
  readonly startMs: number;
  readonly stepMs: number;
}): Payload[] {
  const { series, perRequest, steps, startMs, stepMs } = options;
  const random = seededRandom(11);
  const labels = Array.from({ length: series }, (_, i) => labelsOf(i));
  const values = Float64Array.from({ length: series }, () => Math.floor(random() * 1e6));
  const payloads: Payload[] = [];
  for (let step = 0; step < steps; step++) {
    const time = varint(startMs + step * stepMs);
    for (let from = 0; from < series; from += perRequest) {
      const parts: Buffer[] = [];
      for (let i = from; i < from + perRequest; i++) {
        values[i] = (values[i] as number) + Math.floor(random() * 20);
        const sample = Buffer.alloc(12 + time.length);
        sample.set([0x12, 10 + time.length, 0x09]);
        sample.writeDoubleLE(values[i] as number, 3);
        sample[11] = 0x10;
        sample.set(time, 12);
        const head = labels[i] as Buffer;
        parts.push(Buffer.from([0x0a]), varint(head.length + sample.length), head, sample);
      }
      payloads.push({ body: encodeSnappy(Buffer.concat(parts)), items: perRequest });
    }
  }
  return payloads;
}

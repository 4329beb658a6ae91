/** Samples per CPU-second of a repeated scrape, decode to rows included. node collectors/prometheus/decode-scrape.bench.ts */
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { decodeScrape } from './decode-scrape.ts';
import { parseExposition } from './parse-exposition.ts';

const SERIES = 20_000;
const ROUNDS = 20;
const exposition = (round: number): Buffer =>
  Buffer.from(
    `${Array.from(
      { length: SERIES },
      (_, i) =>
        `http_requests_total{method="GET",code="${200 + (i % 5)}",route="/api/v1/items/${i}",pod="shop-${i % 40}"} ${round * 17 + i}`,
    ).join('\n')}\n`,
  );
const ids = new Map<string, number>();
const id = (key: string): number => {
  if (!ids.has(key)) ids.set(key, ids.size + 1);
  return ids.get(key) as number;
};
const dictionary = { resource: id, scope: id, series: id, stack: id };
const limits = limitsSchema.parse({});
const meta = JSON.stringify({
  job: 'shop',
  labels: { job: 'shop', instance: 'a:1' },
  scrapeUnixMs: 1_700_000_000_000,
  durationSeconds: 0,
  up: true,
  error: '',
  contentType: 'text/plain',
  honorLabels: false,
  honorTimestamps: true,
  sampleLimit: 0,
  metricRelabelConfigs: [],
});
const record = (body: Buffer): JournalRecord => ({
  kind: RecordKind.scrape,
  format: BodyFormat.text,
  encoding: BodyEncoding.identity,
  receivedUnixNano: 0n,
  retentionSeconds: 0,
  items: 0,
  source: 's',
  meta,
  body,
  position: 0,
  next: 0,
});
const bodies = Array.from({ length: ROUNDS }, (_, round) => exposition(round));
const measure = (name: string, run: (body: Buffer) => void): void => {
  run(bodies[0] as Buffer);
  const from = process.cpuUsage();
  for (const body of bodies) run(body);
  const used = process.cpuUsage(from);
  const seconds = (used.user + used.system) / 1e6;
  process.stdout.write(`${name}: ${((SERIES * ROUNDS) / seconds / 1e6).toFixed(2)} M samples/CPU-s\n`);
};
let sum = 0;
const scan = {
  metadata: () => {},
  predict: () => -1,
  sample: (_body: Uint8Array, _start: number, _end: number, value: number) => {
    sum += value;
  },
};
measure('parse, every line scanned', (body) => parseExposition(body, 'prometheus', scan));
measure('scrape to rows, series known', (body) => void decodeScrape(record(body), { dictionary, limits }));
process.stdout.write(`checksum ${sum}\n`);

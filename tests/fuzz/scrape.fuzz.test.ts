import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { parsePrometheusConfig } from '#collectors/prometheus/config.ts';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { readHttpTargets } from '#collectors/prometheus/target-groups.ts';
import { buildTargets } from '#collectors/prometheus/targets.ts';
import { FAMILIES, PROTOBUF_TYPE } from '#collectors/prometheus/test-families.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { TABLES } from '#contracts/tables.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Expositions with damage: read, or one failed scrape with its reason; the same whether the target was seen before or not.
 * FAULTLINE_FUZZ_CASES, FAULTLINE_FUZZ_SEED as in otlp.fuzz.test.ts; a case that ever failed is kept in corpus/scrape as
 * FORMAT-name.bin.
 */
/** Of each kind: a body is decoded five times, so a fifth of what is asked for. */
const cases = Math.ceil(Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 2_500) / 5);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const limits = limitsSchema.parse({});
const REPORT_ROWS = 5;
const TYPES: Readonly<Record<string, string>> = {
  text: 'text/plain; version=0.0.4',
  openmetrics: 'application/openmetrics-text; version=1.0.0',
  protobuf: PROTOBUF_TYPE,
};
const meta: ScrapeMeta = {
  job: 'j',
  labels: { instance: 'i', job: 'j' },
  scrapeUnixMs: 1_790_000_000_000,
  durationSeconds: 1,
  up: true,
  error: '',
  contentType: '',
  honorLabels: false,
  honorTimestamps: true,
  sampleLimit: 0,
  metricRelabelConfigs: [],
};
function read(dictionary: TestDictionary, body: Uint8Array, format: string): { readonly rows: string[]; readonly failed: boolean } {
  const record: JournalRecord = {
    kind: RecordKind.scrape,
    format: BodyFormat.text,
    encoding: BodyEncoding.identity,
    receivedUnixNano: 1_790_000_000_000_000_000n,
    retentionSeconds: 7 * 86_400,
    items: 0,
    source: 's',
    meta: JSON.stringify({ ...meta, contentType: TYPES[format] }),
    body,
    position: 0,
    next: 1,
  };
  const { batches, dropped, problem = '' } = decodeScrape(record, { dictionary, limits });
  const failed = (dropped.get('scrape_malformed') ?? 0) > 0;
  expect(failed).toBe(problem !== '');
  const rows: string[] = [];
  for (const { table, columns, rows: count } of batches) {
    const data = (at: number): ArrayLike<number | bigint> => (columns[at] as unknown as { data: ArrayLike<number | bigint> }).data;
    const flags = TABLES[table].columns.findIndex(({ name }) => name === 'flags');
    for (let i = 0; i < count; i++) {
      // Stale markers and figures about the scrape differ with what was there before.
      if (table !== 'exemplars' && Number(data(flags)[i]) & 1) continue;
      const series = dictionary.seriesRows[Number(data(0)[i])];
      if (!series) throw new Error(`a row of series ${data(0)[i]}, which is not there`);
      if (/^(?:up|scrape_)/.test(series.metric)) continue;
      rows.push(
        `${table} ${series.metric} ${series.attributes.values.join()} ${data(1)[i]} ${table === 'histograms' ? data(3)[i] : data(2)[i]}`,
      );
    }
  }
  if (failed) expect(rows).toEqual([]);
  else expect((batches[0]?.rows ?? 0) - REPORT_ROWS).toBeGreaterThanOrEqual(0);
  return { rows, failed };
}

const BODIES: Readonly<Record<string, Uint8Array>> = {
  protobuf: FAMILIES,
  text: Buffer.from(
    '# HELP a Help \\n x\n# TYPE a counter\na{b="c",d="e\\"\\n"} 1 1790000000000\na 2\nh_bucket{le="+Inf"} 3\nNaN_ NaN\n{"ü.x",z="1"} 0x\n'.replace(
      '0x',
      '4',
    ),
  ),
  openmetrics: Buffer.from(
    '# TYPE r counter\n# UNIT r_s s\nr_total{x="1"} 5 1.5 # {trace_id="t"} 1.0 1790000000.1\n# HELP q x\nq 1e3\n# EOF\n',
  ),
};
const folder = new URL('./corpus/scrape/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({
  name,
  format: name.split('-')[0] as string,
  bytes: readFileSync(new URL(name, folder)),
}));

function bothWays(body: Uint8Array, format: string): boolean {
  const fresh = read(new TestDictionary(), body, format);
  const seen = new TestDictionary();
  for (const other of ['protobuf', 'text', format]) read(seen, BODIES[other] as Uint8Array, other);
  expect(read(seen, body, format)).toEqual(fresh);
  return fresh.failed;
}
describe('expositions with damage', () => {
  it.each(corpus)('corpus $name', ({ format, bytes }) => {
    bothWays(bytes, format);
  });
  it.each(Object.keys(BODIES))(`%s: ${cases} bodies, each read or one failed scrape`, (format) => {
    const base = BODIES[format] as Uint8Array;
    const others = corpus.filter((file) => file.format === format).map(({ bytes }) => bytes);
    let failed = 0;
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const random = seededRng(seed);
      const body = damage(random, base, others[seed % Math.max(1, others.length)] ?? base);
      try {
        if (bothWays(body, format)) failed++;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
      }
    }
    expect(Math.min(failed, cases - failed)).toBeGreaterThan(cases / 100);
  });
});

describe('configurations and lists with damage', () => {
  const config = Buffer.from(`global: {scrape_interval: 5s}
scrape_configs:
- job_name: a
  scrape_timeout: 1s
  params: {module: [x]}
  static_configs: [{targets: ["a:1", "[::1]:2"], labels: {env: x}}]
  relabel_configs:
  - {source_labels: [env], regex: "(x|y)+", target_label: "__param_\${1}", replacement: "$1", action: replace}
  - {source_labels: [__address__], modulus: 3, target_label: m, action: hashmod}
  metric_relabel_configs: [{regex: "l.*", action: labeldrop}]
  dns_sd_configs: [{names: [x.y], type: A, port: 9}]
`);
  it(`${cases} files are refused with their place, or give targets`, () => {
    let refused = 0;
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const text = Buffer.from(damage(seededRng(seed), config, config)).toString('utf8');
      try {
        for (const scrape of parsePrometheusConfig('p.yml', text).scrapes) buildTargets(scrape, scrape.staticTargets, () => {});
      } catch (error) {
        if (!(error instanceof FaultlineError)) throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
        expect(error.message).toMatch(/^p\.yml:/);
        refused++;
      }
    }
    expect(Math.min(refused, cases - refused)).toBeGreaterThan(cases / 100);
  });
  it(`${cases} lists of targets are refused with a sentence or read`, () => {
    const list = Buffer.from(JSON.stringify([{ targets: ['a:1', 'b:2'], labels: { ü: 'x', n: '1' } }, { targets: [] }]));
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      try {
        for (const { targets } of readHttpTargets(damage(seededRng(seed), list, list), 'application/json', 'u'))
          for (const target of targets) expect(typeof target).toBe('string');
      } catch (error) {
        if (!/^(?:cannot read the targets of u)/.test((error as Error).message))
          throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
      }
    }
  });
});

import { describe, expect, it } from 'vitest';
import { double, field, joined, number } from '#collectors/otlp/test-protobuf.ts';
import type { ColumnBatch, Dictionary, SeriesRow } from '#contracts/columns.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { decodeScrape, STALE_NAN_BITS } from './decode-scrape.ts';
import { counts, deltas, family, label, PROTOBUF_TYPE, spans, stamp } from './test-families.ts';

function memoryDictionary(): Dictionary & { rows: SeriesRow[] } {
  const ids = new Map<string, number>();
  const rows: SeriesRow[] = [];
  const id = (key: string): number => {
    if (!ids.has(key)) ids.set(key, ids.size + 1);
    return ids.get(key) as number;
  };
  return {
    rows,
    resource: (key) => id(`r${key}`),
    scope: (key) => id(`s${key}`),
    stack: () => 0,
    series: (key, row) => {
      const known = ids.get(`m${key}`);
      if (known) return known;
      const made = row();
      const next = id(`m${key}`);
      rows[next] = made;
      return next;
    },
  };
}
const metaOf = (over: Partial<ScrapeMeta>): ScrapeMeta => ({
  job: 'node',
  labels: { job: 'node', instance: 'a:1' },
  scrapeUnixMs: 1_700_000_000_000,
  durationSeconds: 0.01,
  up: true,
  error: '',
  contentType: 'text/plain',
  honorLabels: false,
  honorTimestamps: true,
  sampleLimit: 0,
  metricRelabelConfigs: [],
  ...over,
});
const record = (text: string, over: Partial<ScrapeMeta> = {}): JournalRecord => {
  const meta = metaOf(over);
  return {
    kind: RecordKind.scrape,
    format: BodyFormat.text,
    encoding: BodyEncoding.identity,
    receivedUnixNano: BigInt(meta.scrapeUnixMs) * 1_000_000n,
    retentionSeconds: 0,
    items: 0,
    source: 'scrape:node:a:1',
    meta: JSON.stringify(meta),
    body: Buffer.from(text),
    position: 0,
    next: 1,
  };
};
function shown(dictionary: { rows: SeriesRow[] }, batch: ColumnBatch | undefined): string[] {
  if (!batch) return [];
  const [ids, , values] = batch.columns as [{ data: Uint32Array }, unknown, { data: Float64Array }];
  const bits = new BigUint64Array(values.data.buffer);
  return Array.from({ length: batch.rows }, (_, i) => {
    const series = dictionary.rows[ids.data[i] as number] as SeriesRow;
    const labels = series.attributes.keys.map((k, n) => `${k}=${series.attributes.values[n]}`).join(',');
    return `${series.metric}{${labels}} ${bits[i] === STALE_NAN_BITS ? 'stale' : values.data[i]}`;
  });
}
const limits = limitsSchema.parse({});
// up and the four scrape_ series.
const REPORT_ROWS = 5;
const samplesOf = (dictionary: Dictionary & { rows: SeriesRow[] }, rec: JournalRecord) => {
  const decoded = decodeScrape(rec, { dictionary, limits });
  return { lines: shown(dictionary, decoded.batches[0]), decoded };
};
const own = (lines: string[]): string[] => lines.filter((line) => !/^(up|scrape_)/.test(line));

describe('a scrape', () => {
  it('keeps nothing of memory that is lent: the next body comes in the same place', () => {
    const dictionary = memoryDictionary();
    const memory = Buffer.alloc(64);
    const lent = (text: string): JournalRecord => ({ ...record(text), body: memory.subarray(0, memory.write(text)) });
    samplesOf(dictionary, lent('x{pod="a"} 1\nx{pod="c"} 3\n'));
    const { lines, decoded } = samplesOf(dictionary, lent('x{pod="b"} 2\nx{pod="c"} 3\n'));
    expect(own(lines)).toEqual([
      'x{instance=a:1,job=node,pod=b} 2',
      'x{instance=a:1,job=node,pod=c} 3',
      'x{instance=a:1,job=node,pod=a} stale',
    ]);
    expect(decoded.dropped.size).toBe(0);
  });
  it('merges labels as Prometheus does', () => {
    const dictionary = memoryDictionary();
    expect(own(samplesOf(dictionary, record('a{job="x",c="d"} 1\n')).lines)).toEqual(['a{c=d,exported_job=x,instance=a:1,job=node} 1']);
    expect(own(samplesOf(memoryDictionary(), record('a{job="x"} 1\n', { honorLabels: true })).lines)).toHaveLength(1);
  });
  it('writes up and its own series', () => {
    const dictionary = memoryDictionary();
    expect(samplesOf(dictionary, record('a 1\nb 2\n')).lines.slice(2)).toEqual([
      'up{instance=a:1,job=node} 1',
      'scrape_duration_seconds{instance=a:1,job=node} 0.01',
      'scrape_samples_scraped{instance=a:1,job=node} 2',
      'scrape_samples_post_metric_relabeling{instance=a:1,job=node} 2',
      'scrape_series_added{instance=a:1,job=node} 2',
    ]);
  });
  it('marks a series that went away stale, once', () => {
    const dictionary = memoryDictionary();
    samplesOf(dictionary, record('a 1\nb 2\nc 3\n'));
    expect(own(samplesOf(dictionary, record('a 1\nc 3\n')).lines)).toEqual([
      'a{instance=a:1,job=node} 1',
      'c{instance=a:1,job=node} 3',
      'b{instance=a:1,job=node} stale',
    ]);
    expect(own(samplesOf(dictionary, record('c 3\na 1\n')).lines)).toEqual(['c{instance=a:1,job=node} 3', 'a{instance=a:1,job=node} 1']);
  });
  it('that failed is up 0 and ends every series', () => {
    const dictionary = memoryDictionary();
    samplesOf(dictionary, record('a 1\n'));
    const { lines } = samplesOf(dictionary, record('', { up: false, error: 'refused' }));
    expect(lines[0]).toBe('up{instance=a:1,job=node} 0');
    expect(own(lines)).toEqual(['a{instance=a:1,job=node} stale']);
    expect(own(samplesOf(dictionary, record('', { up: false })).lines)).toEqual([]);
  });
  it('with a bad line counts as failed, names the line and keeps nothing', () => {
    const { lines, decoded } = samplesOf(memoryDictionary(), record('a 1\nb{ 2\n'));
    expect(own(lines)).toEqual([]);
    expect(lines[0]).toBe('up{instance=a:1,job=node} 0');
    expect([...decoded.dropped]).toEqual([['scrape_malformed', 1]]);
    expect(decoded.problem).toMatch(/^line 2: /);
  });
  it('over sample_limit counts as failed', () => {
    expect([...samplesOf(memoryDictionary(), record('a 1\nb 2\n', { sampleLimit: 1 })).decoded.dropped]).toEqual([['sample_limit', 1]]);
  });
  it('drops what metric relabeling drops', () => {
    const drop = {
      sourceLabels: ['__name__'],
      separator: ';',
      regex: 'go_.*',
      modulus: 1,
      targetLabel: '',
      replacement: '$1',
      action: 'drop',
    };
    expect(own(samplesOf(memoryDictionary(), record('go_x 1\na 2\n', { metricRelabelConfigs: [drop] })).lines)).toEqual([
      'a{instance=a:1,job=node} 2',
    ]);
  });
  it('keeps the first of a repeated series and counts the rest', () => {
    const { lines, decoded } = samplesOf(memoryDictionary(), record('a 1\na 2\n'));
    expect(own(lines)).toEqual(['a{instance=a:1,job=node} 1']);
    expect([...decoded.dropped]).toEqual([['duplicate_sample', 1]]);
  });
  it('types series from metadata', () => {
    const dictionary = memoryDictionary();
    samplesOf(
      dictionary,
      record('# TYPE r counter\n# HELP r requests\nr_total 1\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_sum 3\n# TYPE g gauge\ng 1\n'),
    );
    const types = Object.fromEntries(dictionary.rows.filter(Boolean).map((s) => [s.metric, [s.type, s.monotonic]]));
    expect(types).toMatchObject({ r_total: ['sum', true], h_bucket: ['histogram', true], h_sum: ['histogram', true], g: ['gauge', false] });
  });
  it('brings exemplars with their trace', () => {
    const text = `# TYPE a counter\na_total 1 # {trace_id="${'ab'.repeat(16)}",note="a longer text here"} 0.5\n# EOF\n`;
    const decoded = decodeScrape(record(text, { contentType: 'application/openmetrics-text; version=1.0.0' }), {
      dictionary: memoryDictionary(),
      limits,
    });
    const exemplars = decoded.batches.find((b) => b.table === 'exemplars') as ColumnBatch;
    expect(exemplars.rows).toBe(1);
    expect((exemplars.columns[4] as { data: Uint8Array }).data[0]).toBe(0xab);
    expect(Buffer.from(exemplars.heap).toString()).toBe('a longer text here');
  });
  it.each(['1e9', '1e22', '-5', '4e9'])('leaves out an exemplar of time %s, keeps its sample', (time) => {
    const text = `# TYPE a counter\na_total 1 # {x="y"} 0.5 ${time}\n# EOF\n`;
    const source = { ...record(text, { contentType: 'application/openmetrics-text' }), retentionSeconds: 86_400 };
    const decoded = decodeScrape(source, { dictionary: memoryDictionary(), limits });
    expect(decoded.batches.map((b) => b.table)).toEqual(['samples']);
    expect([...decoded.noted]).toEqual([['exemplar_time', 1]]);
    expect(decoded.dropped.size).toBe(0);
  });
  it.each<[string, RegExp]>([
    ['{x="y"} 0.5 noon', /^line 3: .*"noon"/],
    ['{x="y"} 0.5 1e305', /^line 3: .*"1e305"/],
    ['{x="y"} half', /^line 3: .*"half"/],
    ['{x="y"}', /^line 3: /],
    ['{x="y', /^line 3: .*labels/],
  ])('names the line of an exemplar that cannot be read: %s', (exemplar, says) => {
    const text = `# TYPE a counter\na_total{z="1"} 1\na_total{z="2"} 1 # ${exemplar}\n# EOF\n`;
    const decoded = decodeScrape(record(text, { contentType: 'application/openmetrics-text' }), { dictionary: memoryDictionary(), limits });
    expect([...decoded.dropped]).toEqual([['scrape_malformed', 1]]);
    expect(decoded.problem).toMatch(says);
  });
  it('takes a label named like a property of every object as it is', () => {
    const dictionary = memoryDictionary();
    decodeScrape(record('a{constructor="x",toString="y"} 1\n'), { dictionary, limits });
    const row = dictionary.rows.find((r) => r?.metric === 'a');
    expect(row?.attributes.keys).toEqual(['constructor', 'instance', 'job', 'toString']);
  });
  it('refuses a series beyond the limit without failing the scrape', () => {
    const dictionary = { ...memoryDictionary(), series: (key: string) => (key.includes('\0b\0') ? 0 : 7) };
    const decoded = decodeScrape(record('a 1\nb 2\n'), { dictionary, limits });
    expect([...decoded.dropped]).toEqual([['too_many_series', 1]]);
  });
  it('repeating one scrape gives the same rows (prediction changes nothing)', () => {
    const dictionary = memoryDictionary();
    const text = Array.from({ length: 200 }, (_, i) => `m${i % 7}{i="${i}"} ${i}`).join('\n');
    const first = samplesOf(dictionary, record(`${text}\n`)).lines.slice(0, 200);
    for (let i = 0; i < 20; i++) expect(samplesOf(dictionary, record(`${text}\n`)).lines.slice(0, 200)).toEqual(first);
    const shuffled = text.split('\n').reverse().join('\n');
    expect(samplesOf(dictionary, record(`${shuffled}\n`)).lines.slice(0, 200)).toEqual([...first].reverse());
  });
  it('leaves out series with too many labels or too long ones, counted, and keeps the rest of the scrape', () => {
    const dictionary = memoryDictionary();
    const many = Array.from({ length: 5 }, (_, i) => `l${i}="x"`).join(',');
    const tight = { ...limits, maxAttributes: 6, maxAttributeBytes: 40 };
    const body = `a 1\nb{${many}} 2\nc{l="${'é'.repeat(21)}"} 3\nd{${'n'.repeat(41)}="x"} 4\ne{l="${'é'.repeat(20)}"} 5\n`;
    const decoded = decodeScrape(record(body), { dictionary, limits: tight });
    expect(decoded.dropped).toEqual(
      new Map([
        ['too_many_labels', 1],
        ['label_too_long', 2],
      ]),
    );
    expect(decoded.batches[0]?.rows).toBe(2 + REPORT_ROWS);
  });
  it('cuts a description: it is kept for each series', () => {
    const dictionary = memoryDictionary();
    decodeScrape(record(`# HELP m ${'x'.repeat(3_000)}\nm 1\n`), { dictionary, limits });
    expect(dictionary.rows.find((row) => row?.metric === 'm')?.description).toBe('x'.repeat(1_024));
  });
  it('keeps no more descriptions than it has room for', () => {
    const dictionary = memoryDictionary();
    const body = `${Array.from({ length: 100_003 }, (_, i) => `# HELP m${i} x`).join('\n')}\na 1\n`;
    const decoded = decodeScrape(record(body), { dictionary, limits });
    expect(decoded.noted).toEqual(new Map([['too_many_families', 3]]));
    expect(decoded.batches[0]?.rows).toBe(1 + REPORT_ROWS);
  });

  const stale = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.endsWith('stale')).map((line) => line.split('{')[0] as string);
  it('of a target that is no longer listed ends all its series, and its figures', () => {
    const dictionary = memoryDictionary();
    samplesOf(dictionary, record('a 1\nb 2 1700000000000\n'));
    const { lines } = samplesOf(dictionary, record('', { up: false, ended: true, error: 'gone' }));
    expect(lines.every((line) => line.endsWith('stale'))).toBe(true);
    expect(stale(lines).sort()).toEqual([
      'a',
      'scrape_duration_seconds',
      'scrape_samples_post_metric_relabeling',
      'scrape_samples_scraped',
      'scrape_series_added',
      'up',
    ]);
    // Listed again, it begins anew.
    expect(samplesOf(dictionary, record('a 1\n')).lines.at(-1)).toMatch(/^scrape_series_added.* 1$/);
  });
  it('with timestamps of its own gets markers where the job tracks them', () => {
    for (const [tracked, expected] of [
      [false, []],
      [true, ['a']],
    ] as const) {
      const dictionary = memoryDictionary();
      const meta = tracked ? { trackTimestampsStaleness: true } : {};
      samplesOf(dictionary, record('a 1 1700000000000\n', meta));
      expect(stale(samplesOf(dictionary, record('b 1\n', meta)).lines)).toEqual(expected);
    }
  });
  it('in another format is of the same series: none gets a marker', () => {
    const dictionary = memoryDictionary();
    const proto = { ...record('', { contentType: PROTOBUF_TYPE }), body: family('g', 1, '', [[field(2, [double(1, 4)])]]) };
    samplesOf(dictionary, record('# TYPE g gauge\ng 3\n'));
    const { lines } = samplesOf(dictionary, proto);
    expect([own(lines), stale(lines)]).toEqual([['g{instance=a:1,job=node} 4'], []]);
  });
  it('keeps native histograms as remote write does, their start, and a marker at their end', () => {
    const dictionary = memoryDictionary();
    const native = [
      number(1, 5),
      double(2, 6.5),
      number(5, 2n),
      double(6, 0.5),
      number(7, 1),
      ...spans(12, [2, 1], [1, 1]),
      deltas(13, 1, 2),
    ];
    const body = family('h', 4, '', [
      [field(7, [...native, stamp(15, 99n)])],
      [label('x', 'y'), field(7, [...native, ...spans(9, [0, 1])])],
    ]);
    const proto = (bytes: Uint8Array) => ({ ...record('', { contentType: PROTOBUF_TYPE }), body: bytes });
    const broken = decodeScrape(proto(body), { dictionary, limits });
    expect([broken.problem, broken.batches.length]).toEqual(['native histogram h: its negative spans speak of 1 buckets, there are 0', 1]);
    const good = family('h', 4, '', [[field(7, [...native, stamp(15, 99n)])]]);
    const batch = decodeScrape(proto(good), { dictionary, limits }).batches[1] as ColumnBatch;
    const cell = (at: number): unknown => (batch.columns[at] as { data: ArrayLike<unknown> }).data[0];
    const series = dictionary.rows[cell(0) as number] as SeriesRow;
    expect(series).toMatchObject({ metric: 'h', type: 'exponential_histogram', temporality: 'cumulative', source: 'prometheus' });
    expect([1, 2, 3, 4, 10, 11, 12, 13, 17].map(cell)).toEqual([1_700_000_000_000_000_000n, 99n, 5n, 6.5, 1n, 1n, 0.5, 1n, 0]);
    const { offsets, children } = batch.columns[14] as unknown as { offsets: Uint32Array; children: { data: BigUint64Array }[] };
    expect([...(children[0]?.data.subarray(0, offsets[1]) ?? [])]).toEqual([1n, 0n, 3n]);
    const ended = decodeScrape(proto(family('i', 1, '', [[field(2, [double(1, 4)])]])), { dictionary, limits }).batches[1] as ColumnBatch;
    const bits = new BigUint64Array((ended.columns[4] as { data: Float64Array }).data.slice(0, 1).buffer);
    expect([ended.table, ended.rows, (ended.columns[0] as { data: Uint32Array }).data[0], bits[0]]).toEqual([
      'histograms',
      1,
      cell(0),
      STALE_NAN_BITS,
    ]);
  });
  it('keeps a native histogram with fractional counts', () => {
    const half = family('h', 4, '', [[field(7, [double(4, 1.5), double(6, 0.5), ...spans(12, [0, 1]), counts(14, 1.5)])]]);
    const body = joined(half, family('g', 1, '', [[field(2, [double(1, 4)])]]));
    const decoded = decodeScrape({ ...record('', { contentType: PROTOBUF_TYPE }), body }, { dictionary: memoryDictionary(), limits });
    expect([...decoded.dropped]).toEqual([]);
    const { columns } = decoded.batches.find(({ table }) => table === 'histograms') as ColumnBatch;
    const floats = columns.at(-1) as unknown as { offsets: Uint32Array; children: { data: Float64Array }[] };
    expect([...(floats.children[0]?.data.subarray(0, floats.offsets[1]) ?? [])]).toEqual([1.5, 0, 1.5]);
  });
});

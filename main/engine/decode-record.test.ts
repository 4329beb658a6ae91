import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Dictionary } from '#contracts/columns.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind, type ScrapeMeta } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { decodeRecord } from './decode-record.ts';

const limits = limitsSchema.parse({ maxScrapeBytes: 10_000 });
function dictionaryOf(): Dictionary & { names: string[] } {
  const names: string[] = [];
  return { names, resource: () => 1, scope: () => 1, stack: () => 0, series: (_, row) => names.push(row().metric) };
}
const meta: ScrapeMeta = {
  job: 'j',
  labels: { job: 'j', instance: 'i' },
  scrapeUnixMs: 1_700_000_000_000,
  durationSeconds: 0.1,
  up: true,
  error: '',
  contentType: 'text/plain',
  honorLabels: false,
  honorTimestamps: true,
  sampleLimit: 0,
  metricRelabelConfigs: [],
};
const scrape = (body: Uint8Array): JournalRecord => ({
  kind: RecordKind.scrape,
  format: BodyFormat.text,
  encoding: BodyEncoding.gzip,
  receivedUnixNano: 1_700_000_000_000_000_000n,
  retentionSeconds: 0,
  items: 0,
  source: 'scrape:j:i',
  meta: JSON.stringify(meta),
  position: 0,
  next: 1,
  body,
});

describe('a scrape that says it is gzip', () => {
  it('is read', async () => {
    const dictionary = dictionaryOf();
    const decoded = await decodeRecord(scrape(gzipSync('a 1\n')), { dictionary, limits });
    expect(dictionary.names).toContain('a');
    expect(decoded.dropped.size).toBe(0);
  });
  it.each([
    ['a bomb', gzipSync(Buffer.alloc(10_001, 10)), /more than 10000 bytes/],
    ['not gzip', Buffer.from('a 1\n'), /not valid gzip/],
    ['cut short', gzipSync('a 1\n'.repeat(100)).subarray(0, 20), /not valid gzip/],
    ['empty', Buffer.alloc(0), /empty/],
  ])('and is %s is a failed scrape of the target, not a bug of ours', async (_, body, problem) => {
    const dictionary = dictionaryOf();
    const decoded = await decodeRecord(scrape(body), { dictionary, limits });
    expect(decoded.problem).toMatch(problem);
    expect([...decoded.dropped]).toEqual([['scrape_malformed', 1]]);
    const values = decoded.batches[0]?.columns[2] as { data: Float64Array };
    expect([dictionary.names[0], values.data[0]]).toEqual(['up', 0]);
  });
});

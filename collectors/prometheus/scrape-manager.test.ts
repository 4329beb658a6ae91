import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyEncoding, type JournalEntry, type ScrapeMeta } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { type Scraping, startScraping } from './scrape-manager.ts';

const limits = limitsSchema.parse({});
const folder = mkdtempSync(join(tmpdir(), 'faultline-scrape-'));
let server: Server | undefined;
let scraping: Scraping | undefined;
afterEach(async () => {
  await scraping?.stop();
  server?.close();
  rmSync(join(folder, 'targets.json'), { force: true });
});

async function target(handler: Parameters<typeof createServer>[1]): Promise<string> {
  server = createServer(handler as never);
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
function scrape(config: string): { entries: JournalEntry[]; first: Promise<JournalEntry> } {
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, config);
  const entries: JournalEntry[] = [];
  const first = new Promise<JournalEntry>((resolve) => {
    scraping = startScraping({
      configFile: file,
      limits,
      append: async (entry) => {
        entries.push(entry);
        resolve(entry);
        return entries.length;
      },
    });
  });
  return { entries, first };
}
/** Only who waits for a timeout has a short one: a busy machine answers late, and the first scrape loads what it needs. */
const yaml = (address: string, extra = '', interval = '1s', timeout = '1s'): string =>
  `global: {scrape_interval: ${interval}, scrape_timeout: ${timeout}}\nscrape_configs:\n- job_name: t\n  static_configs: [{targets: ["${address}"]}]\n${extra}`;
const metaOf = (entry: JournalEntry): ScrapeMeta => JSON.parse(entry.meta);

describe('scraping', () => {
  it('journals the exposition as received, compressed and typed, with the target labels', async () => {
    const address = await target((request, response) => {
      expect(request.headers.accept).toContain('openmetrics');
      expect(request.url).toBe('/metrics');
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', 'content-encoding': 'gzip' });
      response.end(gzipSync('a 1\n'));
    });
    const entry = await scrape(yaml(address)).first;
    expect(entry.encoding).toBe(BodyEncoding.gzip);
    expect(metaOf(entry)).toMatchObject({
      up: true,
      job: 't',
      labels: { job: 't', instance: address },
      contentType: 'text/plain; version=0.0.4',
    });
    expect(scraping?.statuses()[0]).toMatchObject({ source: `scrape:t:${address}`, kind: 'scrape' });
  });
  it.each<[string, Parameters<typeof createServer>[1], RegExp]>([
    ['an error status', (_, response) => void response.writeHead(503).end(), /HTTP 503/],
    ['no answer in time', () => {}, /no answer within 150 ms/],
    [
      'an answer without end',
      (_, response) => {
        const drip = setInterval(() => response.write('# x\n'), 20);
        response.on('close', () => clearInterval(drip));
      },
      /no answer within 150 ms/,
    ],
    [
      'a change of protocol',
      (request) => void request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      /HTTP 101/,
    ],
    [
      'a cut answer',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('a');
        setTimeout(() => response.destroy(), 20);
      },
      /cut|aborted/,
    ],
  ])('%s is a failed attempt with its sentence, journalled', async (_, handler, says) => {
    const short = String(says).includes('150 ms') ? (['200ms', '150ms'] as const) : [];
    const entry = await scrape(yaml(await target(handler), '', ...short)).first;
    expect(metaOf(entry).up).toBe(false);
    expect(metaOf(entry).error).toMatch(says);
    expect(entry.body).toHaveLength(0);
  });
  it('a target that is not there says so', async () => {
    const entry = await scrape(yaml('127.0.0.1:1')).first;
    expect(metaOf(entry).error).toBe('nothing listens at 127.0.0.1:1');
  });
  it('an exposition over body_size_limit is refused while it is read', async () => {
    const address = await target((_, response) => void response.end('a 1\n'.repeat(1000)));
    expect(metaOf(await scrape(yaml(address, '  body_size_limit: 1KB\n')).first).error).toContain('over 1024 bytes');
  });
  it('file_sd targets are found', async () => {
    const address = await target((_, response) => void response.end('a 1\n'));
    writeFileSync(join(folder, 'targets.json'), JSON.stringify([{ targets: [address], labels: { rack: 'r1' } }]));
    const entry = await scrape(
      'global: {scrape_interval: 200ms}\nscrape_configs:\n- job_name: f\n  file_sd_configs: [{files: ["targets.json"]}]\n',
    ).first;
    expect(metaOf(entry).labels).toEqual({ job: 'f', instance: address, rack: 'r1' });
  });
  it('a job with more targets than target_limit scrapes none of them', async () => {
    let asked = 0;
    const address = await target((_, response) => {
      asked++;
      response.end('a 1\n');
    });
    const two = `global: {scrape_interval: 200ms, scrape_timeout: 150ms}\nscrape_configs:\n- job_name: t\n  target_limit: 1
  static_configs: [{targets: ["${address}", "${address.replace('127.0.0.1', 'localhost')}"]}]\n`;
    const entry = await scrape(two).first;
    expect(metaOf(entry)).toMatchObject({ up: false, error: 'target_limit: the job has 2 targets, the limit is 1' });
    expect(asked).toBe(0);
  });
  it('a target that is no longer listed ends with a record of its own', async () => {
    const address = await target((_, response) => {
      if (response.req.url !== '/sd') response.end('a 1\n');
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(listed ? [{ targets: [address] }] : []));
    });
    let listed = true;
    const { entries, first } = scrape(
      `global: {scrape_interval: 200ms, scrape_timeout: 150ms}\nscrape_configs:\n- job_name: f\n  http_sd_configs: [{url: "http://${address}/sd", refresh_interval: 100ms}]\n`,
    );
    expect(metaOf(await first).up).toBe(true);
    listed = false;
    while (!metaOf(entries.at(-1) as JournalEntry).ended) await new Promise((done) => setTimeout(done, 20));
    expect(scraping?.statuses()).toEqual([]);
  });
  it('a list of targets that cannot be had stands among the targets', async () => {
    const address = await target((_, response) => void response.writeHead(500).end());
    scrape(`scrape_configs:\n- job_name: f\n  http_sd_configs: [{url: "http://${address}/sd"}]\n`);
    while (scraping?.statuses().length === 0) await new Promise((done) => setTimeout(done, 20));
    expect(scraping?.statuses()[0]).toMatchObject({
      source: 'scrape:f:http_sd',
      state: 'failing',
      address: `http://${address}/sd`,
      error: 'the list of targets answered HTTP 500 Internal Server Error',
    });
  });
});

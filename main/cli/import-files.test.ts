import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { sendRecord } from './import/send-record.ts';
import type { TelemetryRecord } from './import/telemetry-record.ts';
import { filesUnder, importBytes, importFile } from './import-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-import-'));
const servers: Server[] = [];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}
/** A receiver that answers as told, one answer per request, the last for ever. */
async function receiver(answers: readonly Answer[]): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const answer = answers[Math.min(paths.length, answers.length - 1)] as Answer;
      paths.push(request.url ?? '');
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body ?? '{}');
    });
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
}
const line = (spans: number): string => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: Array(spans).fill({ name: 'x' }) }] }] });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const record: TelemetryRecord = {
  line: 1,
  signal: 'logs',
  contentType: 'application/json',
  body: bytes('{"resourceLogs":[]}'),
  items: 5,
  minTimeMs: null,
  maxTimeMs: null,
};
const noSleep = async (): Promise<void> => {};

const noBill = () => Promise.reject(new Error('this is no bill'));

describe('sendRecord', () => {
  it('sends to the path of its signal and counts what was taken', async () => {
    const { url, paths } = await receiver([{ status: 200 }]);
    expect(await sendRecord(record, `${url}/`)).toEqual({ accepted: 5, refused: null });
    expect(paths).toEqual(['/v1/logs']);
  });
  it('tells a partial success', async () => {
    const { url } = await receiver([{ status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}' }]);
    expect(await sendRecord(record, url)).toEqual({ accepted: 3, refused: { reason: 'malformed', message: 'too old' } });
  });
  it('names a partial success by the reason most items fell under', async () => {
    const errorMessage = '3 of 5 log records rejected: 1 invalid_id, 2 time_in_future';
    const { url } = await receiver([{ status: 200, body: JSON.stringify({ partialSuccess: { rejectedLogRecords: '3', errorMessage } }) }]);
    expect(await sendRecord(record, url)).toEqual({ accepted: 2, refused: { reason: 'time_in_future', message: errorMessage } });
  });
  it('tries again what may be tried again, and takes the answer that comes then', async () => {
    const { url, paths } = await receiver([{ status: 503 }, { status: 429, headers: { 'retry-after': '1' } }, { status: 200 }]);
    const waits: number[] = [];
    const result = await sendRecord(record, url, async (ms) => void waits.push(ms));
    expect(result.accepted).toBe(5);
    expect(paths).toHaveLength(3);
    expect(waits).toEqual([100, 1000]);
  });
  it('gives up in the end, with the reason', async () => {
    const { url } = await receiver([{ status: 503, body: '{"code":14,"message":"the disk is full"}' }]);
    expect(await sendRecord(record, url, noSleep)).toEqual({
      accepted: 0,
      refused: { reason: 'backpressure', message: 'the disk is full' },
    });
  });
  it('does not repeat what is refused for good', async () => {
    const { url, paths } = await receiver([{ status: 400, body: '{"message":"bad span"}' }]);
    expect(await sendRecord(record, url, noSleep)).toEqual({ accepted: 0, refused: { reason: 'malformed', message: 'bad span' } });
    expect(paths).toHaveLength(1);
  });
  it('says that nobody is there', async () => {
    const { url } = await receiver([{ status: 200 }]);
    servers.pop()?.close();
    expect((await sendRecord(record, url, noSleep)).refused).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining(url),
    });
  });
});

describe('importBytes', () => {
  it('adds up lines, lists refused ones in file order', async () => {
    const { url } = await receiver([{ status: 200 }]);
    const result = await importBytes({
      name: 'f.jsonl',
      bytes: bytes(`${line(2)}\n{bad\n${line(3)}\n{worse\n`),
      ingestUrl: url,
      takeBill: noBill,
    });
    expect(result).toMatchObject({ file: 'f.jsonl', format: 'otlp-jsonl', accepted: { traces: 5, logs: 0, metrics: 0 }, minTimeMs: null });
    expect(result.refused.map((each) => each.line)).toEqual([2, 4]);
  });
  it('names a thousand refused lines and counts the rest', async () => {
    const { url } = await receiver([{ status: 200 }]);
    const { refused } = await importBytes({
      name: 'f',
      bytes: bytes(`${line(1)}\n${'{x\n'.repeat(1500)}`),
      ingestUrl: url,
      takeBill: noBill,
    });
    expect(refused).toHaveLength(1001);
    expect(refused.at(-1)?.message).toBe('and 500 more, not listed');
  });
  it('has never more than a few requests on their way', async () => {
    let now = 0;
    let most = 0;
    const server = createServer((request, response) => {
      most = Math.max(most, ++now);
      request.resume().on('end', () =>
        setTimeout(() => {
          now--;
          response.end('{}');
        }, 3),
      );
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const ingestUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const result = await importBytes({ name: 'f', bytes: bytes(`${line(1)}\n`.repeat(60)), ingestUrl, takeBill: noBill });
    expect(result.accepted.traces).toBe(60);
    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
  });
});

describe('files', () => {
  it('walks folders by name and leaves out hidden files', () => {
    mkdirSync(join(folder, 'a b'));
    for (const name of ['z.json', 'a b/2.json', 'a b/10.json', '.hidden']) writeFileSync(join(folder, name), '{}');
    expect(filesUnder([folder]).map((file) => file.slice(folder.length + 1))).toEqual(['a b/10.json', 'a b/2.json', 'z.json']);
    expect(() => filesUnder([join(folder, 'nope')])).toThrow('There is no file or folder');
  });
  it('a file that cannot be read is a line in the result', async () => {
    const result = await importFile(join(folder, 'gone.json'), { ingestUrl: 'http://127.0.0.1:1', takeBill: noBill });
    expect(result.refused).toMatchObject([{ line: null, reason: 'unreadable' }]);
  });
});

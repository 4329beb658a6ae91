import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { FileRecord } from '#collectors/files/file-record.ts';
import type { ImportTicket } from '#contracts/import-files.ts';
import { filesUnder } from '#main/cli/import-files.ts';
import { type ImportBookDoor, importPath } from './import-path.ts';
import { ImportControl, runImport } from './run-import.ts';
import { sendRecord } from './send-record.ts';

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
const record: FileRecord = {
  line: 1,
  signal: 'logs',
  contentType: 'application/json',
  body: bytes('{"resourceLogs":[]}'),
  items: 5,
  minTimeMs: null,
  maxTimeMs: null,
};
const noSleep = async (): Promise<void> => {};

const origin = { batch: 'import-a.0', arrival: '1795255200000000000', format: 'otlp-jsonl' };
const ticket: ImportTicket = { id: 'a', sender: 'import-a', arrivalUnixNano: '1795255200000000000', doneRequests: 0, before: null };
const book = (given: ImportTicket = ticket): ImportBookDoor & { readonly ended: object[] } => {
  const ended: object[] = [];
  return {
    ended,
    begin: async () => given,
    progress: async () => undefined,
    end: async (_, result) => void ended.push(result),
    takeBill: () => Promise.reject(new Error('this is no bill')),
  };
};
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('sendRecord', () => {
  it('sends to the path of its signal and counts what was taken', async () => {
    const { url, paths } = await receiver([{ status: 200 }]);
    expect(await sendRecord(record, `${url}/`, origin)).toEqual({ accepted: 5, refused: null });
    expect(paths).toEqual(['/v1/logs']);
  });
  it('tells a partial success', async () => {
    const { url } = await receiver([{ status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}' }]);
    expect(await sendRecord(record, url, origin)).toEqual({ accepted: 3, refused: { reason: 'malformed', message: 'too old' } });
  });
  it('names a partial success by the reason most items fell under', async () => {
    const errorMessage = '3 of 5 log records rejected: 1 invalid_id, 2 time_in_future';
    const { url } = await receiver([{ status: 200, body: JSON.stringify({ partialSuccess: { rejectedLogRecords: '3', errorMessage } }) }]);
    expect(await sendRecord(record, url, origin)).toEqual({ accepted: 2, refused: { reason: 'time_in_future', message: errorMessage } });
  });
  it('tries again what may be tried again, and takes the answer that comes then', async () => {
    const { url, paths } = await receiver([{ status: 503 }, { status: 429, headers: { 'retry-after': '1' } }, { status: 200 }]);
    const waits: number[] = [];
    const result = await sendRecord(record, url, origin, async (ms) => void waits.push(ms));
    expect(result.accepted).toBe(5);
    expect(paths).toHaveLength(3);
    expect(waits).toEqual([100, 1000]);
  });
  it('gives up in the end, with the reason', async () => {
    const { url } = await receiver([{ status: 503, body: '{"code":14,"message":"the disk is full"}' }]);
    expect(await sendRecord(record, url, origin, noSleep)).toEqual({
      accepted: 0,
      refused: { reason: 'backpressure', message: 'the disk is full' },
    });
  });
  it('does not repeat what is refused for good', async () => {
    const { url, paths } = await receiver([{ status: 400, body: '{"message":"bad span"}' }]);
    expect(await sendRecord(record, url, origin, noSleep)).toEqual({ accepted: 0, refused: { reason: 'malformed', message: 'bad span' } });
    expect(paths).toHaveLength(1);
  });
  it('says that nobody is there', async () => {
    const { url } = await receiver([{ status: 200 }]);
    servers.pop()?.close();
    expect((await sendRecord(record, url, origin, noSleep)).refused).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining(url),
    });
  });
});

describe('importPath', () => {
  it('adds up lines, lists refused ones in file order', async () => {
    const { url } = await receiver([{ status: 200 }]);
    const path = write('f.jsonl', `${line(2)}\n{bad\n${line(3)}\n{worse\n`);
    const here = book();
    const result = await importPath({ path, name: 'f.jsonl', ingestUrl: url, book: here });
    expect(result).toMatchObject({ file: 'f.jsonl', format: 'otlp-jsonl', accepted: { traces: 5, logs: 0, metrics: 0 }, minTimeMs: null });
    expect(result.refused.map((each) => each.line)).toEqual([2, 4]);
    expect(here.ended).toEqual([result]);
  });
  it('names a thousand refused lines and counts the rest', async () => {
    const { url } = await receiver([{ status: 200 }]);
    const path = write('bad.jsonl', `${line(1)}\n${'{x\n'.repeat(1500)}`);
    const { refused, refusedCount } = await importPath({ path, name: 'f', ingestUrl: url, book: book() });
    expect(refused).toHaveLength(1_000);
    expect(refusedCount).toBe(1_500);
  });
  it('sends nothing of what was imported before', async () => {
    const { url, paths } = await receiver([{ status: 200 }]);
    const path = write('again.jsonl', `${line(1)}\n${line(1)}\n`);
    const result = await importPath({ path, name: 'first', ingestUrl: url, book: book() });
    const sent = paths.length;
    const before = { finishedMs: 5_000, name: 'first', result };
    const second = await importPath({ path, name: 'second', ingestUrl: url, book: book({ ...ticket, before }) });
    expect(second).toMatchObject({ alreadyImportedMs: 5_000, accepted: { traces: 0, logs: 0, metrics: 0 } });
    expect(paths).toHaveLength(sent);
  });
  it('an interrupted import goes on behind what was acknowledged, and counts all of it', async () => {
    const { url, paths } = await receiver([{ status: 200 }]);
    const path = write('resumed.jsonl', `${line(1)}\n`.repeat(10));
    const result = await importPath({ path, name: 'f', ingestUrl: url, book: book({ ...ticket, doneRequests: 7 }) });
    expect(result.accepted.traces).toBe(10);
    expect(paths).toHaveLength(3);
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
    const result = await importPath({ path: write('many', `${line(1)}\n`.repeat(60)), name: 'f', ingestUrl, book: book() });
    expect(result.accepted.traces).toBe(60);
    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
  });
  it('rests while paused and ends when cancelled, which is no finished import', async () => {
    const { url, paths } = await receiver([{ status: 200 }]);
    const control = new ImportControl();
    control.pause();
    const path = write('paused.jsonl', `${line(1)}\n`.repeat(20));
    const running = runImport({ path, name: 'f', format: 'otlp-jsonl', mapping: null, ticket, ingestUrl: url, control });
    await new Promise((done) => setTimeout(done, 30));
    expect(paths).toHaveLength(0);
    control.cancel();
    expect(await running).toMatchObject({ cancelled: true, accepted: { traces: 0 } });
  });
  it('takes a file that is being written as far as it went when it was looked at', async () => {
    const { url } = await receiver([{ status: 200 }]);
    const path = write('growing.jsonl', `${line(1)}\n${line(1)}\n`);
    const begin: ImportBookDoor['begin'] = async () => {
      appendFileSync(path, `${line(5)}\n`);
      return ticket;
    };
    const result = await importPath({ path, name: 'f', ingestUrl: url, book: { ...book(), begin } });
    expect(result.accepted.traces).toBe(2);
  });
  it('takes what a cut archive holds, says where it ends, and knows it again', async () => {
    const { url } = await receiver([{ status: 200 }]);
    const path = join(folder, 'cut.gz');
    const whole = gzipSync(
      Array.from({ length: 60_000 }, (_, i) => `2026-11-21T19:33:55.${String(i * 7_919).padStart(9, '0')}Z ${i}`).join('\n'),
    );
    writeFileSync(path, whole.subarray(0, whole.length >> 1));
    const known = new Set<string>();
    const begin: ImportBookDoor['begin'] = async ({ sha256 }) => {
      known.add(sha256);
      return ticket;
    };
    for (let n = 0; n < 2; n++) {
      const { accepted, refused } = await importPath({ path, name: 'f', ingestUrl: url, book: { ...book(), begin } });
      expect(accepted.logs).toBeGreaterThan(20_000);
      expect(refused).toMatchObject([{ reason: 'bad_compression', message: expect.stringContaining('unexpected end of file') }]);
    }
    expect(known.size).toBe(1);
  });
  it.skipIf(process.platform === 'win32')('waits for no pipe', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const result = await importPath({ path, name: 'pipe', ingestUrl: 'http://127.0.0.1:1', book: book() });
    expect(result.refused).toMatchObject([{ reason: 'unreadable', message: expect.stringContaining('faultline import -') }]);
  });
  it('says what an unknown file could be, and takes a format that is said', async () => {
    const path = write('what', `the first column of all; second\n${'1;2\n'.repeat(3)}`);
    const result = await importPath({ path, name: 'what', ingestUrl: 'http://127.0.0.1:1', book: book() });
    expect(result).toMatchObject({ format: 'unknown', refusedCount: 1 });
    expect(result.refused[0]?.message).toMatch(/^It could be csv .*, log-text .*--format csv/);
    await expect(importPath({ path, name: 'what', ingestUrl: '', book: book(), format: 'xml' })).rejects.toThrow(
      'There is no format "xml"',
    );
  });
});

describe('files', () => {
  it('walks folders by name and leaves out hidden files', () => {
    mkdirSync(join(folder, 'sub/a b'), { recursive: true });
    for (const name of ['z.json', 'a b/2.json', 'a b/10.json', '.hidden']) writeFileSync(join(folder, 'sub', name), '{}');
    const below = join(folder, 'sub');
    expect(filesUnder([below]).map((file) => file.slice(below.length + 1))).toEqual(['a b/10.json', 'a b/2.json', 'z.json']);
    expect(() => filesUnder([join(folder, 'nope')])).toThrow('There is no file or folder');
    symlinkSync(below, join(below, 'a b/loop'), 'dir');
    expect(filesUnder([below])).toHaveLength(3);
    expect(filesUnder([join(below, 'a b/loop')])).toHaveLength(3);
    symlinkSync('circle', join(folder, 'circle'));
    expect(filesUnder([join(folder, 'circle')])).toEqual([join(folder, 'circle')]);
  });
  it('a file that cannot be read is a line in the result', async () => {
    const result = await importPath({ path: join(folder, 'gone.json'), name: 'gone', ingestUrl: 'http://127.0.0.1:1', book: book() });
    expect(result.refused).toMatchObject([{ line: null, reason: 'unreadable' }]);
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileJob } from '#contracts/import-files.ts';
import type { ImportCall } from '#contracts/import-process.ts';
import { ImportBook } from './import-book.ts';
import { ImportDesk } from './import-desk.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-desk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const LINE = Buffer.from('2026-11-21T19:33:55.123456789Z hi\n');
const SHA = 'a'.repeat(64);

/** A desk without its importer: what it is asked is listed, what it says is said by the test. */
function openDesk() {
  const state = new Map<string, string>();
  const store = {
    getState: async (key: string) => state.get(key) ?? null,
    setState: async (key: string, value: string) => void state.set(key, value),
  };
  let now = 1_000;
  const calls: ImportCall[] = [];
  const desk = new ImportDesk({
    dataDir: folder,
    diskReserveBytes: 0,
    book: new ImportBook({ store, nowMs: () => now }),
    send: (message) => void (message.type === 'import-call' && calls.push(message.call)),
    ingestUrl: () => 'http://127.0.0.1:1',
    takeBill: () => Promise.reject(new Error('no bill')),
    drained: async () => undefined,
    nowMs: () => now,
  });
  const said = () => calls.map((call) => (call.call === 'control' ? call.action : call.call));
  const upload = async (name: string): Promise<FileJob> => {
    const { id } = await desk.create(name, LINE.length);
    return desk.part(id, 0, LINE);
  };
  const stateOf = (id: string) => desk.list().find((job) => job.id === id)?.state;
  const pass = (ms: number): void => {
    now += ms;
  };
  return { desk, said, upload, stateOf, pass };
}
const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 20));

describe('a file that is being looked up', () => {
  it('is cancelled at once, takes nothing, and lets the next one in', async () => {
    const { desk, said, upload, stateOf } = openDesk();
    const [first, second] = [await upload('a'), await upload('b')];
    desk.start(first.id, {});
    desk.start(second.id, {});
    desk.control(first.id, 'cancel');
    desk.hear({ news: 'hashed', id: first.id, sha256: SHA });
    await settled();
    desk.hear({ news: 'error', id: first.id, call: 'hash', message: 'cancelled' });
    await expect.poll(() => [stateOf(first.id), stateOf(second.id)]).toEqual(['cancelled', 'running']);
    expect(said()).toEqual(['hash', 'cancel', 'hash']);
    await desk.stop();
  });
  it('rests, and goes on resting when it was looked up in that moment', async () => {
    const { desk, said, upload, stateOf } = openDesk();
    const { id } = await upload('a');
    desk.start(id, {});
    desk.control(id, 'pause');
    desk.hear({ news: 'hashed', id, sha256: SHA });
    await expect.poll(() => [stateOf(id), ...said()]).toEqual(['paused', 'hash', 'pause', 'import', 'pause']);
    await desk.stop();
  });
});
describe('a file that has been read', () => {
  it('is in, also when the importer ends before that is written down', async () => {
    const { desk, upload, stateOf } = openDesk();
    const { id } = await upload('a');
    desk.start(id, {});
    desk.hear({ news: 'hashed', id, sha256: SHA });
    await settled();
    const accepted = { traces: 0, logs: 1, metrics: 0 };
    const result = { file: 'a', format: 'kubectl-logs', accepted, refused: [], refusedCount: 0, minTimeMs: null, maxTimeMs: null };
    desk.hear({ news: 'done', id, result });
    desk.control(id, 'pause');
    desk.ended('signal SIGKILL');
    expect(stateOf(id)).toBe('running');
    await expect.poll(() => stateOf(id)).toBe('done');
    await desk.stop();
  });
});
describe('a file somebody left', () => {
  it('is forgotten after a day, with its bytes', async () => {
    const { desk, upload, stateOf, pass } = openDesk();
    const { id } = await upload('left');
    const file = join(folder, 'tmp', `upload-${id}`);
    expect(readFileSync(file)).toEqual(LINE);
    pass(25 * 3600 * 1_000);
    await upload('other');
    await expect.poll(() => [stateOf(id), existsSync(file)]).toEqual(['cancelled', false]);
    await desk.stop();
  });
});

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { type Journal, openJournal } from '#collectors/pipeline/journal.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import { limitsSchema } from '#contracts/settings.ts';
import type { TailedFileStatus, TailSettings } from '#contracts/tailing.ts';
import { logBodies } from '../../tests/fixtures/log-bodies.ts';
import { startTailing, type Tailing } from './tail-files.ts';

/** The tailer on a real journal and real files: what it reads, what it says of what it does not read. */
let root: string;
let journal: Journal;
let tailing: Tailing | null;
let clock: () => number;
const limits = limitsSchema.parse({ maxAttributeBytes: 256 });
const file = (name: string): string => path.join(root, 'logs', name);
const journalDir = (): string => path.join(root, 'journal');
beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'faultline-tail-'));
  mkdirSync(file(''));
  clock = Date.now;
  await openAgain();
});
afterEach(async () => {
  await close();
  rmSync(root, { recursive: true, force: true });
});
async function openAgain(): Promise<void> {
  journal = await openJournal(journalDir(), { durability: 'sync', maxBytes: 1e9, diskReserveBytes: 0, segmentBytes: 1 << 20 });
}
async function close(): Promise<void> {
  await tailing?.stop();
  tailing = null;
  await journal.close();
}
function tail(pattern: string, more: Partial<TailSettings> = {}): void {
  const settings: TailSettings = {
    pattern: file(pattern),
    exclude: [],
    format: 'plain',
    multiline: { by: 'line' },
    multilineMs: 50,
    service: '',
    from: 'beginning',
    zone: 'utc',
    ...more,
  };
  tailing = startTailing({
    tails: [settings],
    dataDir: root,
    journalDir: journalDir(),
    append: (entry) => journal.append(entry),
    committed: () => journal.committed,
    limits,
    retentionSeconds: 0,
    onSaved: () => undefined,
    nowMs: () => clock(),
    log: (line) => {
      throw new Error(line);
    },
    pollMs: 5,
  });
}
async function restart(pattern: string, more: Partial<TailSettings> = {}): Promise<void> {
  await close();
  await openAgain();
  tail(pattern, more);
}
/** On a machine that is busy with other tests too. */
const SOON = { timeout: 10_000, interval: 20 };
/** Bodies in the journal, in order; each is checked as an OTLP request. */
async function bodies(): Promise<string[]> {
  const reader = await openJournalReader(journalDir(), 0);
  const found: string[] = [];
  for (let some = await reader.read(1 << 20); some.length > 0; some = await reader.read(1 << 20)) {
    for (const record of some) {
      const checked = checkOtlp('logs', record.body, { limits, receivedUnixNano: record.receivedUnixNano, retentionSeconds: 0 });
      expect(checked).toMatchObject({ ok: true, items: record.items, rejected: 0 });
      found.push(...logBodies(record.body));
    }
  }
  await reader.close();
  return found;
}
const status = () => tailing?.statuses()[0];
const fileStatus = (name: string): TailedFileStatus | undefined => status()?.files?.find((each) => each.path === file(name));
const until = (expected: readonly string[]) => expect.poll(bodies, SOON).toEqual(expected);

describe('a tailed file', () => {
  it('is read from its beginning, as it grows; half a line waits', async () => {
    writeFileSync(file('a.log'), 'one\ntwo\nthr');
    tail('*.log');
    await until(['one', 'two']);
    await expect.poll(() => fileStatus('a.log'), SOON).toMatchObject({ state: 'waiting', offset: 8, size: 11, lines: 2 });
    appendFileSync(file('a.log'), 'ee\n\n\r\nfour\r\n');
    await until(['one', 'two', 'three', 'four']);
    await expect.poll(() => fileStatus('a.log'), SOON).toMatchObject({ state: 'following', offset: 23, lines: 4 });
    expect(status()).toMatchObject({ state: 'receiving', accepted: { logs: { items: 4, bytes: 23 } } });
  });
  it('or from its end, at the first sight only', async () => {
    writeFileSync(file('a.log'), 'old\nolder\nha');
    tail('*.log', { from: 'end' });
    await expect.poll(() => fileStatus('a.log'), SOON).toMatchObject({ offset: 10 });
    appendFileSync(file('a.log'), 'lf\n');
    writeFileSync(file('b.log'), 'new file\n');
    await expect.poll(async () => (await bodies()).sort(), SOON).toEqual(['half', 'new file']);
    await close();
    appendFileSync(file('a.log'), 'while stopped\n');
    writeFileSync(file('c.log'), 'c\n');
    await openAgain();
    tail('*.log', { from: 'end' });
    await expect.poll(async () => (await bodies()).sort(), SOON).toEqual(['c', 'half', 'new file', 'while stopped']);
  });
  it('is found again after rotation by rename, also one that nobody saw, by its inode', async () => {
    writeFileSync(file('a.log'), 'one\n');
    tail('a.log');
    await until(['one']);
    appendFileSync(file('a.log'), 'two\n');
    renameSync(file('a.log'), file('a.log.1'));
    writeFileSync(file('a.log'), 'three\n');
    await expect.poll(async () => (await bodies()).sort(), SOON).toEqual(['one', 'three', 'two']);
    await close();
    appendFileSync(file('a.log'), 'four\n');
    renameSync(file('a.log'), file('a.log.2'));
    writeFileSync(file('a.log'), 'five\n');
    await openAgain();
    tail('a.log');
    await expect.poll(async () => (await bodies()).sort(), SOON).toEqual(['five', 'four', 'one', 'three', 'two']);
  });
  it('is finished when it is deleted', async () => {
    writeFileSync(file('a.log'), 'one\n');
    tail('a.log');
    await until(['one']);
    appendFileSync(file('a.log'), 'two\nlast without an end');
    unlinkSync(file('a.log'));
    await until(['one', 'two']);
    const now = Date.now();
    clock = () => now + (Date.now() - now) * 500;
    await until(['one', 'two', 'last without an end']);
  });
  it('begins again when it is truncated, and where its new beginning is longer than the old', async () => {
    writeFileSync(file('a.log'), 'first life\n');
    tail('a.log');
    await until(['first life']);
    truncateSync(file('a.log'), 0);
    appendFileSync(file('a.log'), '2nd\n');
    await until(['first life', '2nd']);
    writeFileSync(file('a.log'), 'third, and longer\nthan the second\n');
    await until(['first life', '2nd', 'third, and longer', 'than the second']);
  });
  it('its copy goes on where it was read to, and it says what a truncation may have cost', async () => {
    writeFileSync(file('a.log'), 'one\ntwo\nhal');
    tail('a.log*');
    await until(['one', 'two']);
    copyFileSync(file('a.log'), file('a.log.1'));
    await expect.poll(() => fileStatus('a.log.1'), SOON).toMatchObject({ state: 'waiting', why: 'copy' });
    appendFileSync(file('a.log.1'), 'f\n');
    truncateSync(file('a.log'), 0);
    await until(['one', 'two', 'half']);
    expect(status()?.noted).toMatchObject({ tail_truncated: 1 });
    await restart('a.log*');
    appendFileSync(file('a.log'), 'next\n');
    await until(['one', 'two', 'half', 'next']);
  });
  it('two files with the same first lines are two files', async () => {
    writeFileSync(file('a.log'), 'started\n');
    writeFileSync(file('b.log'), 'started\n');
    tail('*.log');
    await until(['started', 'started']);
  });
  it('by two names is read once', async () => {
    writeFileSync(file('a.log'), 'one\n');
    symlinkSync(file('a.log'), file('b.log'));
    tail('*.log');
    await until(['one']);
    await restart('*.log');
    appendFileSync(file('a.log'), 'two\n');
    await until(['one', 'two']);
  });
  it('records of several lines end by the next or after a while', async () => {
    writeFileSync(file('a.log'), 'boom\n  at a\n  at b\nnext\n');
    tail('*.log', { multiline: { by: 'indent' } });
    await until(['boom\n  at a\n  at b', 'next']);
    await restart('*.log', { multiline: { by: 'indent' } });
    appendFileSync(file('a.log'), 'more\n');
    await until(['boom\n  at a\n  at b', 'next', 'more']);
  });
  it('a book that cannot be read is set aside, and the journal tells', async () => {
    writeFileSync(file('a.log'), 'one\n');
    tail('*.log');
    await until(['one']);
    await close();
    writeFileSync(path.join(root, 'tails.json'), '{"version":1,');
    await openAgain();
    const lines: string[] = [];
    tailing = startTailing({
      ...{
        tails: [],
        dataDir: root,
        journalDir: journalDir(),
        append: (entry) => journal.append(entry),
        committed: () => journal.committed,
      },
      ...{ limits, retentionSeconds: 0, onSaved: () => undefined, nowMs: Date.now, log: (line) => lines.push(line) },
    });
    await expect.poll(() => readFileSync(path.join(root, 'tails.json'), 'utf8'), SOON).toContain('"offset":4');
    expect(lines.join()).toContain('is set aside');
  });
});

describe('what is no log', () => {
  const ODD: readonly (readonly [string, () => void, Partial<TailedFileStatus>])[] = [
    [
      'binary',
      () => writeFileSync(file('x.log'), Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0'.repeat(20))),
      { state: 'skipped', why: 'binary' },
    ],
    ['gzip by its bytes', () => writeFileSync(file('x.log'), gzipSync('a\n')), { state: 'skipped', why: 'compressed' }],
    ['gzip by its name', () => writeFileSync(file('x.log.gz'), 'a\n'), { state: 'skipped', why: 'compressed' }],
    ['UTF-16', () => writeFileSync(file('x.log'), Buffer.from('\ufeffhello\r\n', 'utf16le')), { state: 'skipped', why: 'utf16' }],
    ['a folder', () => mkdirSync(file('x.log')), { state: 'skipped', why: 'folder' }],
    ['a FIFO', () => execFileSync('mkfifo', [file('x.log')]), { state: 'skipped', why: 'fifo' }],
    [
      'a loop of links',
      () => symlinkSync(file('x.log'), file('x.log')),
      { state: 'failing', says: expect.stringContaining('ELOOP') as never },
    ],
    [
      'a link to nowhere',
      () => symlinkSync(file('gone'), file('x.log')),
      { state: 'failing', says: expect.stringContaining('ENOENT') as never },
    ],
  ];
  it.each(ODD)('%s: is said, and the others are read', async (_, make, expected) => {
    make();
    writeFileSync(file('a.log'), 'one\n');
    tail('*.log*');
    await until(['one']);
    const odd = () => status()?.files?.find((each) => each.path !== file('a.log'));
    await expect.poll(odd, SOON).toMatchObject(expected);
    const noted = expected.state === 'failing' ? { tail_file_failed: 1 } : { tail_file_skipped: 1 };
    expect(status()?.noted).toEqual(noted);
  });
  it('becomes one when it is written anew', async () => {
    writeFileSync(file('a.log'), Buffer.alloc(500, 1));
    tail('*.log');
    await expect.poll(() => fileStatus('a.log'), SOON).toMatchObject({ state: 'skipped' });
    writeFileSync(file('a.log'), 'text now\n');
    await until(['text now']);
  });

  it.each<[string, string | Buffer, readonly string[], Record<string, number>]>([
    ['a line over the limit', `${'x'.repeat(300)}\nb\n`, ['x'.repeat(256), 'b'], { tail_line_cut: 1 }],
    [
      'a line of a megabyte, cut within a character',
      `${'a'.repeat(255)}${'ö'.repeat(500_000)}\nb\n`,
      ['a'.repeat(255), 'b'],
      { tail_line_cut: 1 },
    ],
    ['no UTF-8', Buffer.from('caf\xe9\nok\n', 'latin1'), ['caf\ufffd', 'ok'], { tail_not_utf8: 1 }],
    ['NULs in front', `${'\0'.repeat(300_000)}after\n`, ['after'], { tail_nul_bytes: 300_000 }],
    ['NULs within', 'a\0b some more text here\n', ['a\0b some more text here'], {}],
    ['only line feeds', '\n'.repeat(1_000), [], {}],
    ['escapes of colours', '\x1b[31mred\x1b[0m\n', ['\x1b[31mred\x1b[0m'], {}],
  ])('%s', async (_, content, expected, noted) => {
    writeFileSync(file('a.log'), content);
    tail('*.log');
    await expect.poll(() => fileStatus('a.log'), SOON).toMatchObject({ state: 'following' });
    await until(expected);
    expect(status()?.noted ?? {}).toEqual(noted);
  });
  it('JSON that is none is text, counted', async () => {
    writeFileSync(file('a.log'), '{"msg":"x"}\n{"msg":\n');
    tail('*.log', { format: 'json' });
    await until(['x', '{"msg":']);
    expect(status()?.noted).toEqual({ tail_unparsed: 1 });
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import type { Listeners } from '#contracts/settings.ts';
import { makeCertificate, NO_LISTENERS, startTestCollector, type TestCollector } from './receivers-fixture.ts';

/** The machine may be busy. */
const SOON = { timeout: 20_000 };
const anyPort = { host: '127.0.0.1', port: 0 };
const listeners = (more: Partial<Listeners> = {}): Listeners => ({ ...NO_LISTENERS, syslog: anyPort, ...more });
const portOf = (it: TestCollector, key = 'syslog'): number => Number(it.collector.addresses[key]?.split(':').at(-1));
const source = (it: TestCollector) => it.collector.status().sources.find((each) => each.source === 'syslog');
const accepted = (it: TestCollector): number => source(it)?.accepted.logs.items ?? 0;

async function datagrams(it: TestCollector, ...texts: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const text of texts) await new Promise((done) => socket.send(text, portOf(it), '127.0.0.1', done));
  await new Promise<void>((done) => socket.close(() => done()));
}
const open = (it: TestCollector): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(portOf(it), '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
async function stream(it: TestCollector, bytes: string | Buffer): Promise<void> {
  const socket = await open(it);
  await new Promise<void>((done) => socket.end(bytes, () => done()));
}
async function bodies(it: TestCollector): Promise<string> {
  return (await it.records()).map((record) => Buffer.from(record.body).toString('utf8')).join('');
}
const hasLogger = spawnSync('logger', ['--version']).stdout?.includes('util-linux') ?? false;

let it1: TestCollector;
let folder: string;
let tls: Listeners['tls'];
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-syslog-'));
  tls = makeCertificate(folder);
  it1 = await startTestCollector({ maxAttributeBytes: 2_000 }, { listeners: listeners(tls ? { syslogTls: anyPort, tls } : {}) });
});
afterAll(async () => {
  await it1.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('syslog: what is taken in', () => {
  it.each<[string, () => Promise<void>, string[]]>([
    ['datagrams', () => datagrams(it1, '<13>1 - h a - - - one', '<14>Nov 21 19:34:12 h b: two\n'), ['one', 'two']],
    ['lines', () => stream(it1, '<13>h: three\n<13>h: four'), ['three', 'four']],
    ['counted frames', () => stream(it1, '12 <13>h: five\n11 <13>h: six.'), ['five', 'six.']],
  ])('%s', async (_, send, texts) => {
    const before = [accepted(it1), (await it1.records()).length] as const;
    await send();
    await expect.poll(() => accepted(it1), SOON).toBe(before[0] + texts.length);
    const record = (await it1.records()).at(-1);
    expect(record).toMatchObject({
      kind: RecordKind.logs,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      source: 'syslog',
    });
    for (const text of texts) expect(await bodies(it1)).toContain(text);
    // One record holds what came together.
    expect((await it1.records()).length).toBeLessThanOrEqual(before[1] + texts.length);
  });
  it.runIf(hasLogger)('what logger of util-linux sends, each way', async () => {
    const before = accepted(it1);
    const ways = [
      '-d --rfc5424',
      '-d --rfc3164',
      '-T --rfc5424',
      '-T --rfc3164',
      '-T --octet-count --rfc5424',
      '-T --octet-count --rfc3164',
    ];
    for (const [i, way] of ways.entries())
      execFileSync('logger', ['-n', '127.0.0.1', '-P', String(portOf(it1)), ...way.split(' '), '-t', 'web', `by logger ${i}`]);
    await expect.poll(() => accepted(it1), SOON).toBe(before + ways.length);
    const all = await bodies(it1);
    for (const i of ways.keys()) expect(all).toContain(`by logger ${i}`);
    expect(it1.refused('syslog')).toEqual({});
  });
  it('TLS; what is no TLS there is counted', async ({ skip }) => {
    if (!tls) skip('no openssl here');
    const before = accepted(it1);
    const ca = readFileSync((tls as NonNullable<typeof tls>).certFile);
    const port = portOf(it1, 'syslogTls');
    await new Promise<void>((done, fail) => {
      const socket = connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' }, () => socket.end('13 <13>h: in TLS'));
      socket.on('close', () => done()).on('error', fail);
    });
    await expect.poll(() => accepted(it1), SOON).toBe(before + 1);
    const plain = connect(port, '127.0.0.1', () => plain.write('<13>h: not in TLS\n'));
    plain.on('error', () => undefined);
    await expect.poll(() => it1.refused('syslog')['tls_failed'], SOON).toBe(1);
    expect(source(it1)?.address).toMatch(/^127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ \(TLS\)$/);
  });
});

describe('syslog: what is refused is counted', () => {
  it.each<[string, () => Promise<void>, string, RegExp]>([
    ['an empty datagram', () => datagrams(it1, ''), 'malformed', /empty/],
    ['a TLS hello in plain', () => datagrams(it1, '\x16\x03\x01\x02\0\x01'), 'malformed', /From 127\.0\.0\.1: no priority/],
    ['a datagram over the limit', () => datagrams(it1, `<13>${'x'.repeat(2_000)}`), 'message_too_large', /2004 bytes/],
    ['a line over the limit', () => stream(it1, `<13>${'x'.repeat(9_000)}\n`), 'message_too_large', /the limit is 2000/],
    ['a counted frame over the limit', () => stream(it1, '99999 <13>x'), 'message_too_large', /99999 bytes/],
    ['half a counted frame', () => stream(it1, '50 <13>x'), 'malformed', /in the middle/],
  ])('%s', async (_, send, reason, sentence) => {
    const before = it1.refused('syslog')[reason] ?? 0;
    await send();
    await expect.poll(() => it1.refused('syslog')[reason], SOON).toBe(before + 1);
    expect(source(it1)).toMatchObject({ state: 'failing', error: expect.stringMatching(sentence) });
  });
});

describe('syslog: while the journal takes nothing', () => {
  it('streams are not read and lose nothing; datagrams beyond the queue are counted', async () => {
    const full = await startTestCollector(
      { diskReserveBytes: Number.MAX_SAFE_INTEGER, maxInFlightBytes: 300_000 },
      { listeners: listeners() },
    );
    const socket = await open(full);
    const line = `<13>h: ${'x'.repeat(1_000)}\n`;
    const sent = 30_000;
    socket.write(line.repeat(sent));
    const [small, wide] = ['<13>h: x', `<13>h: ${'y'.repeat(1_400)}`];
    await expect
      .poll(async () => {
        await datagrams(full, ...Array(50).fill(wide), small);
        return full.refused('syslog')['backpressure'] ?? 0;
      }, SOON)
      .toBeGreaterThan(0);
    expect(accepted(full)).toBe(0);
    // The stream stands still: the sender holds what we do not.
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.destroy();
    await full.stop();
    expect(full.refused('syslog')['disk_full']).toBeGreaterThan(0);
  });
});

describe('syslog: starting', () => {
  it.each<[string, (folder: string) => Partial<Listeners>, RegExp]>([
    ['TLS without a certificate', () => ({ syslogTls: anyPort }), /--tls-cert/],
    [
      'a certificate that is not there',
      () => ({ syslogTls: anyPort, tls: { certFile: '/no/such', keyFile: '/no/such' } }),
      /cannot read \/no\/such/,
    ],
    [
      'a certificate that is none',
      (at) => {
        writeFileSync(path.join(at, 'x.pem'), 'x');
        return { syslogTls: anyPort, tls: { certFile: path.join(at, 'x.pem'), keyFile: path.join(at, 'x.pem') } };
      },
      /do not work/,
    ],
  ])('%s is said', async (_, more, says) => {
    const starting = startTestCollector({}, { listeners: listeners(more(folder)) });
    await expect(starting).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringMatching(says) });
  });
  it('a port that is taken is said with its flag', async () => {
    const starting = startTestCollector({}, { listeners: listeners({ syslog: { host: '127.0.0.1', port: portOf(it1) } }) });
    await expect(starting).rejects.toMatchObject({ code: 'port_taken', message: expect.stringMatching(/\(--syslog\) is in use/) });
  });
});

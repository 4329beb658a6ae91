import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rcaResultKeys, readCsv } from './cli-answers.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { spanRequest } from './span-load.ts';

/** The command line as a black box: files in, answers out, exit codes. */
const root = resolve(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'faultline cli '));
const dataDir = join(base, 'the data');
const files = join(base, 'the files');
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly bytes: Buffer;
  readonly err: string;
}
function run(...args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(join(root, 'bin/faultline'), args, { cwd: base, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('close', (code) => done({ code, out: Buffer.concat(chunks).toString(), bytes: Buffer.concat(chunks), err }));
  });
}
const logsBody = JSON.stringify({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'old' } }] },
      // 2001: far beyond any retention, and kept all the same.
      scopeLogs: [{ logRecords: [{ timeUnixNano: '1000000000123456789', severityNumber: 9, body: { stringValue: 'a "quoted", line' } }] }],
    },
  ],
});
beforeAll(() => {
  mkdirSync(join(files, 'more'), { recursive: true });
  writeFileSync(join(files, 'one.json'), spanRequest('imported', 10).body);
  writeFileSync(join(files, 'more/lines.jsonl.gz'), gzipSync(`${spanRequest('imported', 5).body}\n${logsBody}\n`));
});

describe('on a data folder nothing runs on', () => {
  it('query says that there is none', async () => {
    const { code, out, err } = await run('query', 'sql', '--data', join(base, 'nope'), 'SELECT 1');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(join(base, 'nope'));
  });
  it('import takes a folder in, keeps what is old, leaves nothing running', async () => {
    const { code, out, err } = await run('import', '--data', dataDir, '--json', files);
    expect(err).not.toContain('dropped');
    expect(code).toBe(0);
    const results = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results.map((result) => [result.format, result.accepted, result.refused])).toEqual([
      ['otlp-jsonl+gzip', { traces: 5, logs: 1, metrics: 0 }, []],
      ['otlp-json', { traces: 10, logs: 0, metrics: 0 }, []],
    ]);
    const again = await run('query', 'sql', '--data', dataDir, '--format', 'json', 'SELECT service, count(*) AS n FROM spans GROUP BY ALL');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toEqual([{ service: 'imported', n: 15 }]);
  });
  it('a bad record: exit code 3, listed with line and reason, the rest is in', async () => {
    const file = join(base, 'partly.jsonl');
    writeFileSync(file, `${spanRequest('partly', 2).body}\n{"cut\n${spanRequest('partly', 3).body}\n`);
    const { code, out } = await run('import', '--data', dataDir, file);
    expect(code).toBe(3);
    expect(out).toContain('5 spans');
    expect(out).toMatch(/refused 2: malformed: /);
  });
  it.skipIf(process.platform === 'win32')('an interrupted import ends in order', async () => {
    const [folder, file] = [join(base, 'interrupted'), join(base, 'long.log')];
    writeFileSync(file, '2026-11-21T19:33:55.123456789Z hello\n'.repeat(50_000));
    const child = spawn(join(root, 'bin/faultline'), ['import', '--data', folder, file], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise((done) => child.on('close', (code, signal) => done([code, signal])));
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    while (!existsSync(join(folder, 'journal')) && child.exitCode === null) await new Promise((done) => setTimeout(done, 20));
    child.kill('SIGINT');
    expect(await ended).toEqual([1, null]);
    expect(err).toContain('Interrupted');
  });
  it('a path that is not there is usage', async () => {
    const { code, err } = await run('import', '--data', dataDir, join(base, 'missing.json'));
    expect(code).toBe(2);
    expect(err).toContain('missing.json');
  });
});

describe('through the instance that runs on the folder', () => {
  let faultline: FaultlineProcess;
  beforeAll(async () => {
    faultline = await startFaultline({ dataDir, args: ['--retention', 'off'] });
  });
  afterAll(() => faultline.stop());

  it('import goes through it', async () => {
    const file = join(base, 'live.json');
    writeFileSync(file, spanRequest('live', 7).body);
    expect((await run('import', '--data', dataDir, file)).code).toBe(0);
    const [row] = await faultline.sql("SELECT count(*)::INTEGER AS n FROM spans WHERE service = 'live'");
    expect(row).toEqual({ n: 7 });
  });
  it('--api and --token reach it from anywhere', async () => {
    const { code, out } = await run(
      'query',
      'sql',
      '--api',
      faultline.api,
      '--token',
      faultline.token,
      '--format',
      'json',
      'SELECT 42 AS answer',
    );
    expect([code, JSON.parse(out)]).toEqual([0, [{ answer: 42 }]]);
    const wrong = await run('query', 'sql', '--api', faultline.api, '--token', 'not-the-token-at-all', 'SELECT 42');
    expect([wrong.code, wrong.out]).toEqual([1, '']);
    expect(wrong.err).toContain('token');
  });
  it('answers in every format, nanoseconds and quotes intact', async () => {
    const sql = "SELECT time, body, NULL AS nothing, [1, 2] AS list FROM logs WHERE service = 'old'";
    const ask = (format: string) => run('query', 'sql', '--data', dataDir, '--format', format, sql);
    expect(JSON.parse((await ask('json')).out)).toEqual([
      { time: '2001-09-09T01:46:40.123456789Z', body: 'a "quoted", line', nothing: null, list: '[1,2]' },
    ]);
    expect(readCsv((await ask('csv')).out)).toEqual([
      ['time', 'body', 'nothing', 'list'],
      ['2001-09-09T01:46:40.123456789Z', 'a "quoted", line', '', '[1,2]'],
    ]);
    expect((await ask('table')).out.split('\n')[0]).toMatch(/^time +body +nothing +list$/);
    expect(tableFromIPC((await ask('arrow')).bytes).numRows).toBe(1);
  });
  it('a statement that may not run is refused with a sentence', async () => {
    for (const sql of ['DROP TABLE spans', "SELECT * FROM read_csv('/etc/passwd')", 'SELECT nonsense FROM spans', '']) {
      const { code, out, err } = await run('query', 'sql', '--data', dataDir, sql);
      expect(code, sql).toBeGreaterThan(0);
      expect(out, sql).toBe('');
      expect(err, sql).toMatch(/^faultline: /m);
    }
  });
  it('rca answers the contract', async () => {
    const { code, out } = await run('rca', '--data', dataDir, '--start', 'now-30m', '--end', 'now', '--json');
    expect(code).toBe(0);
    const result = JSON.parse(out);
    expect(Object.keys(result)).toEqual(expect.arrayContaining(rcaResultKeys));
    expect(result.verdict).toBe('inconclusive');
    const people = await run('rca', '--data', dataDir, '--start', 'now-30m', '--end', 'now');
    expect(people.out).toMatch(/^verdict: inconclusive\n/);
    for (const [start, end] of [
      ['yesterday', 'now'],
      ['now', 'now-1h'],
    ] as const)
      expect((await run('rca', '--data', dataDir, '--start', start, '--end', end)).code).toBe(2);
  });
  it('incidents: none is said on stderr, [] as JSON', async () => {
    expect(await run('incidents', '--data', dataDir)).toMatchObject({ code: 0, out: '', err: 'no incident\n' });
    expect((await run('incidents', '--data', dataDir, '--json')).out).toBe('[]\n');
  });
  it('flush answers a position, doctor finds the instance', async () => {
    const { code, out } = await run('flush', '--data', dataDir, '--durable');
    expect([code, Object.keys(JSON.parse(out))]).toEqual([0, ['position']]);
    const findings = JSON.parse((await run('doctor', '--data', dataDir, '--json')).out) as { about: string; says: string }[];
    expect(findings.find(({ about }) => about === 'running')?.says).toContain(faultline.api);
  });
});

describe('help and usage', () => {
  it.each([
    [['--help']],
    [['serve', '--help']],
    [['import', '--help']],
    [['query', 'sql', '--help']],
    [['rca', '--help']],
    [['incidents', '--help']],
    [['flush', '--help']],
    [['doctor', '--help']],
    [['--version']],
  ])('%j: stdout, exit code 0', async (args) => {
    const { code, out, err } = await run(...args);
    expect([code, err]).toEqual([0, '']);
    expect(out).not.toBe('');
  });
  it.each([
    [[]],
    [['nonsense']],
    [['query']],
    [['query', 'sql']],
    [['rca']],
    [['import']],
    [['query', 'sql', '--format', 'xml', 'SELECT 1']],
    [['query', 'sql', '--max-rows', 'many', 'SELECT 1']],
    [['flush', '--api', '127.0.0.1:1']],
  ])('%j: exit code 2, nothing on stdout', async (args) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).not.toBe('');
  });
});

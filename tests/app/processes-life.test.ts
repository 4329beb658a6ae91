import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startFaultline } from './faultline-process.ts';
import { sendSpans, spanRequest } from './span-load.ts';

/** Birth and death of `faultline serve`: what it prints, what it leaves behind, what it says when it cannot start. */
const root = resolve(import.meta.dirname, '../..');
const base = mkdtempSync(join(tmpdir(), 'faultline life '));
let count = 0;
const folder = (): string => join(base, `data ${count++}`);
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
/** Runs to its end. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(join(root, 'bin/faultline'), args, {
      cwd: base,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      said.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      said.err += chunk;
    });
    child.on('close', (code) => done({ code, ...said }));
  });
}
const free = ['--api', '127.0.0.1:0', '--ingest', '127.0.0.1:0', '--otlp-grpc', '127.0.0.1:0'];

describe('faultline serve', () => {
  it('prints one line, the contract, and nothing else on stdout', async () => {
    const dataDir = folder();
    const child = spawn(join(root, 'bin/faultline'), ['serve', '--data', dataDir, ...free], { stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    const line = new Promise<void>((done) => {
      child.stdout.on('data', (chunk) => {
        out += chunk;
        if (out.includes('\n')) done();
      });
    });
    await line;
    const file = join(dataDir, 'runtime.json');
    const runtime = JSON.parse(readFileSync(file, 'utf8'));
    const mode = statSync(file).mode & 0o777;
    child.kill('SIGTERM');
    const code = await new Promise((done) => child.once('close', done));
    expect(out.endsWith('\n')).toBe(true);
    const ready = JSON.parse(out);
    expect(Object.keys(ready)).toEqual(['ready', 'version', 'api', 'ingest', 'otlpGrpc', 'token']);
    expect(ready).toMatchObject({
      ready: true,
      version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
      api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/),
      ingest: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/),
      otlpGrpc: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/),
      token: expect.stringMatching(/^[\w-]{16,}$/),
    });
    expect(runtime).toMatchObject({ api: ready.api, ingest: ready.ingest, otlpGrpc: ready.otlpGrpc, token: ready.token, pid: child.pid });
    expect(mode).toBe(0o600);
    expect(code).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect(existsSync(join(dataDir, 'supervisor.lock'))).toBe(false);
  });
  it('no child knows the secrets of its environment', async () => {
    const env = {
      FAULTLINE_FORWARD_HEADERS: 'authorization=hush-forward',
      FAULTLINE_TOKEN: 'hush-token-0123456789',
      SOME_PASSWORD: 'hush-other',
    };
    const faultline = await startFaultline({ args: ['--forward', 'http://127.0.0.1:9', '--demo'], env });
    const names = ['collector', 'engine', 'forwarder', 'demo'];
    await expect.poll(() => names.filter((name) => !(name in faultline.pids())), { timeout: 20_000 }).toEqual([]);
    const pids = faultline.pids();
    const told = names.map((name) => readFileSync(`/proc/${pids[name]}/environ`, 'utf8'));
    await faultline.stop();
    for (const environment of told) expect([environment.includes('PATH='), environment.includes('hush')]).toEqual([true, false]);
  });
  it('SIGTERM and SIGINT right after the last acknowledgement: exit code 0, and the next start has all of it', async () => {
    const dataDir = folder();
    let running = await startFaultline({ dataDir });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { body, spanIds } = spanRequest(signal, 500);
      expect(await sendSpans(running.ingest, body)).toBe(true);
      running.kill(signal);
      expect(await running.exited, signal).toBe(0);
      running = await startFaultline({ dataDir });
      await running.flush();
      const [row] = await running.sql(
        `SELECT count(DISTINCT span_id)::INTEGER AS n, count(*)::INTEGER AS all FROM spans WHERE service = '${signal}'`,
      );
      expect(row, signal).toEqual({ n: spanIds.length, all: spanIds.length });
    }
    await running.stop();
  });
  it('a demo stays out of the default folder; commands that name none find it where nobody has data of his own, and say so', async () => {
    const env = { XDG_DATA_HOME: folder() };
    const [own, demo] = ['faultline', 'faultline-demo'].map((name) => join(env.XDG_DATA_HOME, name)) as [string, string];
    const child = spawn(join(root, 'bin/faultline'), ['serve', ...free, '--demo', 'none'], {
      cwd: base,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    await new Promise<void>((done) => child.stdout.once('data', () => done()));
    const ask = () => run(['query', 'sql', 'SELECT 42 AS answer', '--format', 'csv'], env);
    const asked = await ask();
    const made = existsSync(own);
    mkdirSync(own);
    const askedOwn = await ask();
    child.kill('SIGTERM');
    await new Promise((done) => child.once('close', done));
    for (const { code, out, err } of [asked, askedOwn]) {
      expect([code, out.trim().split(/\s+/)]).toEqual([0, ['answer', '42']]);
      expect(err).toContain(demo);
    }
    expect([existsSync(demo), made]).toEqual([true, false]);
    expect(readdirSync(own)).toContain('catalog.duckdb');
    expect(err).toContain(demo);
  });
  it('a signal during the start leaves nothing running and nothing locked', async () => {
    const dataDir = folder();
    const child = spawn(join(root, 'bin/faultline'), ['serve', '--data', dataDir, ...free], { stdio: ['ignore', 'pipe', 'ignore'] });
    while (!existsSync(join(dataDir, 'supervisor.lock'))) await new Promise((done) => setTimeout(done, 5));
    child.kill('SIGTERM');
    expect(await new Promise((done) => child.once('close', done))).toBe(0);
    expect(existsSync(join(dataDir, 'supervisor.lock'))).toBe(false);
  });
});

describe('a start that cannot be', () => {
  const taken = (): Promise<{ server: Server; port: number }> =>
    new Promise((done) => {
      const server = createServer().listen(0, '127.0.0.1', () => done({ server, port: (server.address() as AddressInfo).port }));
    });
  it.each(['--api', '--ingest', '--otlp-grpc'])('port of %s taken: says which process has it and which port is free', async (flag) => {
    const { server, port } = await taken();
    const args = ['serve', '--data', folder(), ...free, flag, `127.0.0.1:${port}`];
    const { code, out, err } = await run(args);
    server.close();
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain(`Port ${port}`);
    expect(err).toContain(`process ${process.pid}`);
    expect(err).toMatch(new RegExp(`${flag} 127\\.0\\.0\\.1:\\d+`));
  });
  it('a folder in use: names its owner; the owner does not notice', async () => {
    const dataDir = folder();
    const first = await startFaultline({ dataDir });
    const { code, out, err } = await run(['serve', '--data', dataDir, ...free]);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain(dataDir);
    expect(err).toContain(first.api);
    expect(await sendSpans(first.ingest, spanRequest('still', 1).body)).toBe(true);
    expect(await first.stop()).toBe(0);
  });
  it('a folder that cannot be: exit code 1, one sentence', async () => {
    const file = join(base, 'a-file');
    writeFileSync(file, '');
    const { code, err } = await run(['serve', '--data', join(file, 'x'), ...free]);
    expect(code).toBe(1);
    expect(err).toContain(join(file, 'x'));
    expect(err).not.toContain('    at ');
  });
  it.each<[string[], Record<string, string>, string]>([
    [['--retention', 'soon'], {}, '--retention'],
    [['--ingest', 'here'], {}, '--ingest'],
    [['--durability', 'maybe'], {}, '--durability'],
    [['--token', 'short'], {}, '--token'],
    [[], { FAULTLINE_MAX_SIZE: 'much' }, 'FAULTLINE_MAX_SIZE'],
    [['--no-such-flag'], {}, '--no-such-flag'],
  ])('%j %j is usage: exit code 2, names its place', async (args, env, named) => {
    const { code, out, err } = await run(['serve', '--data', folder(), ...free, ...args], env);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(named);
  });
  it('a bad line of faultline.yaml is named by number', async () => {
    const file = join(base, 'bad.yaml');
    writeFileSync(file, '# comment\nretention: 7d\nlimits:\n  maxDepth: deep\n');
    const { code, err } = await run(['serve', '--config', file, '--data', folder(), ...free]);
    expect(code).toBe(2);
    expect(err).toContain(`${file}:4: limits.maxDepth`);
  });
});

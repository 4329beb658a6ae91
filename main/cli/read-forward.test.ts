import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ForwardPlace, readForward } from './read-forward.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-forward-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const read = (value: ForwardPlace['value'], more: Partial<ForwardPlace> = {}) =>
  readForward({ value, folder, name: 'forward', headersFile: null, environment: {}, ...more });
const file = (text: string): string => {
  writeFileSync(join(folder, 'headers'), text);
  return join(folder, 'headers');
};

describe('readForward', () => {
  it('is nothing without a word', () => {
    expect(read(undefined)).toEqual([]);
  });
  it('names addresses of a list after their host', () => {
    const list = read('http://platform.example:4318, https://other/SECRET-tenant/otlp/, https://other/2');
    expect(list.map(({ name, url }) => [name, url])).toEqual([
      ['platform-example-4318', 'http://platform.example:4318'],
      [expect.stringMatching(/^other-[0-9a-f]{8}$/), 'https://other/SECRET-tenant/otlp/'],
      [expect.stringMatching(/^other-[0-9a-f]{8}$/), 'https://other/2'],
    ]);
    expect(list[0]).toMatchObject({ headers: {}, compression: 'gzip', signals: ['traces', 'logs', 'metrics'], maxQueueSeconds: 86_400 });
  });
  it('reads limits and headers of the file from where they point', () => {
    file('# comment\nAuthorization: Bearer a:b=c\n\n');
    const [destination] = read(
      [
        {
          url: 'http://p',
          name: 'p',
          headersFile: 'headers',
          headersEnv: 'P',
          maxQueue: '50MB',
          maxAge: '2h',
          timeout: '3s',
          signals: ['logs'],
        },
      ],
      { environment: { P: 'x-tenant=7, x-b=a=b' } },
    );
    expect(destination).toMatchObject({
      headers: { Authorization: 'Bearer a:b=c', 'x-tenant': '7', 'x-b': 'a=b' },
      maxQueueBytes: 50e6,
      maxQueueSeconds: 7_200,
      timeoutMs: 3_000,
      signals: ['logs'],
    });
  });
  it('gives the shared headers to every address', () => {
    const list = read('http://a,http://b', { headersFile: file('K: from file'), environment: { FAULTLINE_FORWARD_HEADERS: 'k2=v2' } });
    expect(list.map(({ headers }) => headers)).toEqual([
      { k2: 'v2', K: 'from file' },
      { k2: 'v2', K: 'from file' },
    ]);
  });
  it.each([
    ['ftp://x', /not http/],
    ['http://user:secret@x', /not http/],
    ['http://x?token=1', /not http/],
    ['http://x,http://x', /two destinations are called "x"/],
    [Array.from({ length: 17 }, (_, i) => `http://h${i}`).join(','), /at most 16/],
  ])('refuses %s', (value, message) => {
    expect(() => read(value)).toThrow(message);
  });
  it.each([
    [{ maxQueue: 'much' }, /maxQueue: "much" is not a size/],
    [{ maxQueue: '1KB' }, /maxQueueBytes/],
    [{ headersEnv: 'MISSING' }, /MISSING: .*not set/],
    [{ headersFile: 'nowhere' }, /nowhere: headers for forwarding cannot be read/],
    [{ headers: { host: 'x' } }, /set by the sender/],
    [{ headers: { 'a b': 'x' } }, /not a header name/],
  ])('refuses %j', (more, message) => {
    expect(() => read([{ url: 'http://x', ...more }])).toThrow(message);
  });
  it.each([
    ['https://user:hunter2@platform.example/in', /^forward: destination 1: url: not http/],
    ['https://user:hun/ter2@platform.example/in', /^forward: destination 1: url: not http/],
    ['http://ok,https://platform.example/hunter2?x', /^forward: destination 2 \(https:\/\/platform.example\): url: not http/],
    ['platform.example/hunter2', /^forward: destination 1: /],
    ['https://platform.example?key=hunter2', /^forward: destination 1 \(https:\/\/platform.example\): url/],
  ])('says the origin of %s at most', (value, message) => {
    expect(() => read(value)).toThrow(message);
    expect(() => read(value)).not.toThrow(/hun/);
    const [url] = value.split(',').slice(-1);
    expect(() => read([{ url: url as string, maxQueue: 'much' }])).not.toThrow(/hun/);
  });
  it('never says a secret', () => {
    let said = '';
    try {
      read([{ url: 'http://x', headersFile: file('hunter2hunter2') }]);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toContain('header 1 has no ":"');
    expect(said).not.toContain('hunter2');
  });
});

import { fork } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { configSchema, type Settings } from '#contracts/settings.ts';
import { childEnvironment, settingsOf } from './child-environment.ts';

describe('childEnvironment', () => {
  const ours = {
    PATH: '/bin',
    Path: 'C:\\bin',
    HOME: '/home/a',
    LC_ALL: 'C',
    TZ: 'UTC',
    NODE_OPTIONS: '--no-warnings',
    MALLOC_TRIM_THRESHOLD_: '1',
    UV_THREADPOOL_SIZE: '4',
    ELECTRON_NO_ASAR: '1',
    NODE_AUTH_TOKEN: 'secret',
    FAULTLINE_FORWARD_HEADERS: 'authorization=secret',
    FAULTLINE_TOKEN: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    HTTPS_PROXY: 'http://user:secret@proxy',
  };
  it.each(['collector', 'engine', 'llm', 'forwarder', 'demo'] as const)('%s gets what it needs and no secret', (name) => {
    const theirs = childEnvironment(name, ours);
    expect(Object.values(theirs).filter((value) => value.includes('secret'))).toEqual([]);
    expect(theirs).toMatchObject({ PATH: '/bin', Path: 'C:\\bin', HOME: '/home/a', LC_ALL: 'C', NODE_OPTIONS: '--no-warnings' });
    expect(theirs['UV_THREADPOOL_SIZE']).toBe(name === 'engine' ? '16' : '4');
  });
  it('is enough to run Node', async () => {
    const code = 'process.send(process.version)';
    const child = fork('-e', [code], { execArgv: ['-e', code], env: childEnvironment('llm', process.env) });
    expect(await new Promise((said) => child.once('message', said))).toBe(process.version);
  });
});

it('only who tests or sends to a destination gets its headers, and only the API its token', () => {
  const forward = [{ name: 'a', url: 'http://a', headers: { authorization: 'secret' } }];
  const settings = { ...configSchema.parse({}), token: 'token', forward } as unknown as Settings;
  const told = (name: 'collector' | 'engine' | 'forwarder') => {
    const theirs = settingsOf(name, settings);
    return [theirs.token, theirs.forward.length];
  };
  expect([told('collector'), told('engine'), told('forwarder')]).toEqual([
    ['', 0],
    ['token', 1],
    ['', 1],
  ]);
});

import { expect, it } from 'vitest';
import { configSchema, limitsSchema, type Settings } from '#contracts/settings.ts';
import { createStartingApi } from './create-starting-api.ts';

const TOKEN = 'test-token-0123456789';
const address = { host: '127.0.0.1', port: 4400 };
const settings = {
  ...configSchema.parse({}),
  api: address,
  ingest: address,
  token: TOKEN,
  limits: limitsSchema.parse({}),
} as unknown as Settings;
let part = 37;
const news = () => ({
  ...{ file: 'catalog.duckdb', bytes: 1e6, from: 4, to: 5, state: 'changing' as const },
  ...{ table: 'spans', part: part / 100, seconds: 12 },
});
const app = createStartingApi({ settings, version: '1', log: () => undefined, news });
const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  Promise.resolve(app.request(`http://127.0.0.1:4400${path}`, { ...init, headers: { host: '127.0.0.1:4400', ...init.headers } }));
const signed = { headers: { authorization: `Bearer ${TOKEN}` } };

it('tells who is signed in how far it is, and to ask again', async () => {
  for (const path of ['/console/state', '/console/events', '/console/query/sql']) {
    const answer = await ask(path, signed);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({
      error: { code: 'starting', message: expect.stringContaining(`spans ${part} % of its rows`), migration: news() },
    });
    part++;
  }
});
it('tells nobody else, but that it is not ready', async () => {
  expect((await ask('/console/state')).status).toBe(401);
  expect((await ask('/console/state', { headers: { host: 'evil.example' } })).status).toBe(403);
  expect([(await ask('/healthz')).status, (await ask('/readyz')).status, (await ask('/metrics')).status]).toEqual([200, 503, 503]);
});
it('serves the page, and lets in with the token', async () => {
  const answer = await ask(`/?token=${TOKEN}`);
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect((await ask('/console/state', { headers: { cookie } })).status).toBe(503);
  expect((await ask('/')).headers.get('content-type')).toContain('text/html');
});

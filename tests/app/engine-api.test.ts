import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateSchema } from '#contracts/console-api.ts';
import { VOLUME_BY, volumeAnswerSchema, volumeTableSchema } from '#contracts/volume.ts';
import { collectorStatus, openRig, type Rig, TOKEN } from './engine-rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
  rig.running.onMessage({ type: 'collector-status', status: collectorStatus('127.0.0.1:4999') });
});
afterAll(() => rig.close());

/** fetch() will not send a Host of one's choice. */
function raw(
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(rig.running.url + path, { method, headers }, (answer) => {
      let body = '';
      answer.on('data', (part) => {
        body += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    call.on('error', reject);
    call.end();
  });
}
const bearer = { authorization: `Bearer ${TOKEN}` };

describe('who may ask', () => {
  it.each([
    ['no token', {}, 401],
    ['a wrong token', { authorization: 'Bearer nope' }, 401],
    ['the token', bearer, 200],
    ['the token under a foreign Host', { ...bearer, host: 'evil.example' }, 403],
    ['the token from a foreign page', { ...bearer, origin: 'https://evil.example' }, 403],
    ['the token from a sandboxed page', { ...bearer, origin: 'null' }, 403],
    ['localhost', { ...bearer, host: 'localhost:1' }, 200],
  ])('%s', async (_, headers, status) => {
    expect((await raw('/console/state', headers)).status).toBe(status);
  });
  it('answers errors by the catalogue', async () => {
    const { body } = await raw('/console/state', {});
    expect(JSON.parse(body)).toEqual({ error: { code: 'unauthorized', message: expect.any(String), todo: expect.any(String) } });
  });
  it('takes the token once and gives a cookie no script can read', async () => {
    const answer = await fetch(`${rig.running.url}/console/session`, { method: 'POST', body: JSON.stringify({ token: TOKEN }) });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(TOKEN);
    const [pair = ''] = cookie.split(';');
    expect((await raw('/console/state', { cookie: pair })).status).toBe(200);
    expect((await raw('/console/state', { cookie: `${pair}x` })).status).toBe(401);
  });
  it('refuses a wrong token without a cookie', async () => {
    const answer = await fetch(`${rig.running.url}/console/session`, { method: 'POST', body: JSON.stringify({ token: 'wrong' }) });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('set-cookie')).toBeNull();
  });
  it('takes the token out of the address bar', async () => {
    const answer = await fetch(`${rig.running.url}/?token=${TOKEN}`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(answer.headers.get('set-cookie')).toContain('HttpOnly');
    const wrong = await fetch(`${rig.running.url}/?token=wrong`, { redirect: 'manual' });
    expect(wrong.headers.get('set-cookie')).toBeNull();
  });
  it('takes it on every page, and stays there; never on another host', async () => {
    const locationOf = async (path: string): Promise<unknown> => (await raw(path, {})).headers['location'];
    expect(await locationOf(`/incidents/42?from=1&token=${TOKEN}&to=2`)).toBe('/incidents/42?from=1&to=2');
    expect(await locationOf(`//evil.example/?token=${TOKEN}`)).toBe('/evil.example/');
  });
});

describe('the page', () => {
  it('may load only what is its own, and talk to the collector', async () => {
    const { status, headers } = await raw('/incidents/42', {});
    expect(status).toBe(200);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self' http://127.0.0.1:4999");
    expect(policy).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });
  it.each(['/../package.json', '/%2e%2e/%2e%2e/package.json', '/..%2f..%2fpackage.json', '/assets/none.js'])(
    'does not give %s',
    async (path) => {
      const { status, body } = await raw(path, {});
      expect(body).not.toContain('"dependencies"');
      expect([200, 404]).toContain(status);
    },
  );
});

describe('without a token', () => {
  it('says that it lives and is ready', async () => {
    expect((await raw('/healthz', {})).status).toBe(200);
    await rig.flush();
    expect((await raw('/readyz', {})).status).toBe(200);
  });
  it('gives its own metrics as OpenMetrics', async () => {
    const { body, headers } = await raw('/metrics', {});
    expect(headers['content-type']).toContain('application/openmetrics-text');
    for (const name of [
      'faultline_items_total',
      'faultline_refused_total',
      'faultline_hot_rows',
      'faultline_journal_lag_bytes',
      'faultline_open_incidents',
    ])
      expect(body).toContain(name);
    expect(body.trimEnd().endsWith('# EOF')).toBe(true);
  });
});

describe('requests', () => {
  it.each([
    ['/console/logs', 'start'],
    ['/console/logs?start=5&end=1', 'start must be before end'],
    ['/console/logs?start=0&end=1&severity=awful', 'severity'],
    ['/console/traces?start=0&end=1&limit=0', 'limit'],
    ['/console/traces/nothex', '32 hex digits'],
    ['/console/services/red?start=0&end=1', 'service'],
    ['/console/metrics/range?start=0&end=1&metric=m&labels={', 'labels'],
    ['/console/metrics/range?start=0&end=1&metric=m&labels=abc', 'labels'],
  ])('%s is refused with the field at fault', async (path, says) => {
    const { status, body } = await raw(path, bearer);
    expect(status).toBe(400);
    expect(body).toContain(says);
  });
  it.each([
    '/console/nope',
    '//console/state',
    '/x/..//console/state',
    '/%2Fconsole/state',
    '/console/incidents/nope',
    `/console/traces/${'0'.repeat(31)}1`,
  ])('%s is not there', async (path) => {
    expect((await raw(path, bearer)).status).toBe(404);
  });
  it('bodies that are not JSON, or too large, are refused', async () => {
    expect((await rig.call('/console/query/sql', { method: 'POST', body: '{' })).status).toBe(400);
    expect((await rig.call('/console/query/sql', { method: 'POST', body: 'x'.repeat(2 ** 20 + 10) })).status).toBe(400);
  });
  it.each([
    ['SELECT 1 AS a; SELECT 2', 'sql_refused'],
    ["SELECT * FROM read_csv('/etc/passwd')", 'sql_refused'],
    ['SELECT nope FROM spans', 'query_failed'],
  ])('SQL %s', async (sql, code) => {
    const answer = await rig.call('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql }) });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: { code: string } }).error.code).toBe(code);
  });
  it('an empty store answers with empty tables', async () => {
    for (const at of ['/console/traces?start=0&end=1000', '/console/logs?start=0&end=1000', '/console/logs/histogram?start=0&end=1000']) {
      expect((await rig.table(at)).numRows).toBe(0);
    }
  });
});

describe('what the console says of itself', () => {
  it('state keeps its contract', async () => {
    const state = stateSchema.parse(await rig.json('/console/state'));
    expect(state.hasData).toBe(false);
    expect(state.totals.refused).toBe(2);
    expect(state.addresses.ingest).toBe('http://127.0.0.1:4999');
    expect(state.egressBytes).toBe(0);
  });
  it('its API is described by the schemas it checks with', async () => {
    const document = (await rig.json('/console/openapi.json')) as {
      openapi: string;
      paths: Record<string, Record<string, { parameters: { name: string }[] }>>;
    };
    expect(document.openapi).toBe('3.0.3');
    expect(document.paths['/console/traces/{traceId}']?.['get']?.parameters[0]?.name).toBe('traceId');
    expect(document.paths['/console/logs']?.['get']?.parameters.map((p) => p.name)).toContain('severity');
  });
  it('events come each second', async () => {
    const stop = new AbortController();
    const answer = await rig.call('/console/events', { signal: stop.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString();
      if (text.split('event: state').length > 2) break;
    }
    stop.abort();
    expect(text).toContain('"hasData":false');
  });
});

describe('volume', () => {
  const range = `start=${Date.now() - 3_600_000}&end=${Date.now() + 60_000}`;
  it('answers what the page shows, by its schemas', async () => {
    const volume = volumeAnswerSchema.parse(await rig.json(`/console/volume?${range}`));
    expect(volume.signals.map(({ signal }) => signal)).toEqual(['metrics', 'traces', 'logs']);
    for (const by of VOLUME_BY)
      expect(volumeTableSchema.parse(await rig.json(`/console/volume/rows?${range}&by=${by}&label=job`)).by).toBe(by);
  });
  it.each([`${range}&by=value`, `${range}&by=nonsense`, 'by=metric&start=2&end=1'])('refuses %s with a reason', async (query) => {
    const answer = await rig.call(`/console/volume/rows?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'bad_request' } });
  });
});

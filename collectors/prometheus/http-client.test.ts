import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parsePrometheusConfig } from './config.ts';
import { httpGet } from './http-client.ts';
import { isDirect, proxyFor } from './http-proxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-http-'));
const servers: Server[] = [];
async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}
const serve = (handler: RequestListener): Promise<number> => listen(createServer(handler));
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const get = (url: string, keys = '', timeoutMs = 2_000) => {
  const [scrape] = parsePrometheusConfig(join(folder, 'p.yml'), `scrape_configs:\n- job_name: j\n  ${keys}\n`).scrapes;
  if (!scrape) throw new Error('no job');
  return httpGet({ url, timeoutMs, maxBytes: 1_000, client: scrape.client, headers: { 'user-agent': 'x' }, who: 'the target' });
};
const text = async (answer: ReturnType<typeof get>): Promise<string> => Buffer.from((await answer).body).toString();

describe('a GET for a job', () => {
  it('sends credentials from files as they are now, and the headers of the job', async () => {
    const port = await serve((request, response) => void response.end(`${request.headers.authorization} ${request.headers['x-team']}`));
    writeFileSync(join(folder, 'token'), 'first\n');
    const keys = 'authorization: {credentials_file: token}\n  http_headers: {X-Team: {values: [a], secrets: [b]}}';
    expect(await text(get(`http://127.0.0.1:${port}/`, keys))).toBe('Bearer first a, b');
    writeFileSync(join(folder, 'token'), 'second\n');
    expect(await text(get(`http://127.0.0.1:${port}/`, keys))).toBe('Bearer second a, b');
    await expect(get(`http://127.0.0.1:${port}/`, 'basic_auth: {username: u, password_file: none}')).rejects.toThrow(/cannot read .*none/);
  });
  it('follows redirects, without credentials to another host', async () => {
    const other = await serve((request, response) => void response.end(`other ${request.headers.authorization ?? 'nobody'}`));
    const port = await serve((request, response) => {
      const location = { '/a': '/b', '/away': `http://127.0.0.1:${other}/`, '/loop': '/loop', '/odd': 'ftp://x/' }[request.url ?? ''];
      if (location) response.writeHead(302, { location }).end();
      else response.end(`same ${request.headers.authorization}`);
    });
    const keys = 'basic_auth: {username: u, password: p}';
    const at = (path: string, more = '') => get(`http://127.0.0.1:${port}${path}`, `${keys}${more}`);
    expect(await text(at('/a'))).toBe('same Basic dTpw');
    expect(await text(at('/away'))).toBe('other nobody');
    await expect(at('/loop')).rejects.toThrow('redirects more than 10 times');
    await expect(at('/odd')).rejects.toThrow('redirects to "ftp://x/", which is no HTTP address');
    await expect(at('/a', '\n  follow_redirects: false')).rejects.toThrow('the target answered HTTP 302 Found');
  });
  it('says what stands in its way', async () => {
    const port = await serve((request, response) => void (request.url === '/slow' ? null : response.end('x'.repeat(2_000))));
    await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow('over 1000 bytes');
    await expect(get(`http://127.0.0.1:${port}/slow`, '', 100)).rejects.toThrow('no answer within 100 ms');
    await expect(get('http://127.0.0.1:1/')).rejects.toThrow('nothing listens at 127.0.0.1:1');
  });
});

describe('a proxy', () => {
  const proxy = (over: Partial<{ url: string; noProxy: string }>) => ({
    url: 'http://p:3128',
    noProxy: '',
    connectHeaders: {},
    ...over,
  });
  it.each([
    ['http://a.test/', 'a.test', true],
    ['http://x.a.test/', 'a.test', true],
    ['http://xa.test/', 'a.test', false],
    ['http://x.a.test/', '.a.test', true],
    ['http://a.test/', '.a.test', false],
    ['http://a.test:81/', 'a.test:80', false],
    ['https://a.test/', 'b.test, a.test:443', true],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://11.1.2.3/', '10.0.0.0/8', false],
    ['http://[fd00::1]/', 'fd00::/8', true],
    ['http://b.test/', '*', true],
    ['http://127.0.0.1/', 'x', true],
    ['http://b.test/', '10.0.0.0/99,x/y', false],
  ])('%s with no_proxy %s: direct %s', (url, noProxy, direct) => {
    expect(isDirect(new URL(url), noProxy)).toBe(direct);
  });
  it('is the one of the job', () => {
    const url = new URL('https://a.test/');
    expect(proxyFor(url, proxy({}))?.host).toBe('p:3128');
    expect(proxyFor(url, proxy({ url: '' }))).toBeNull();
    expect(proxyFor(url, proxy({ noProxy: 'a.test' }))).toBeNull();
  });
});

describe.skipIf(!existsSync('/usr/bin/openssl'))('TLS', () => {
  beforeAll(() => {
    const subject = ['-subj', '/CN=faultline.test', '-addext', 'subjectAltName=DNS:faultline.test'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync(
      '/usr/bin/openssl',
      ['req', '-x509', '-nodes', '-days', '2', ...curve, ...subject, '-keyout', 'key.pem', '-out', 'cert.pem'],
      {
        cwd: folder,
        stdio: 'ignore',
      },
    );
  });
  const secured = (): Promise<number> => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((file) => readFileSync(join(folder, file)));
    const server = createTls({ key, cert, ca: [cert as Buffer], requestCert: true, rejectUnauthorized: false }, (request, response) => {
      response.end(`${(request.socket as unknown as { authorized: boolean }).authorized}`);
    });
    return listen(server);
  };
  it('is checked against the CA and the name the job gives, with its certificate', async () => {
    const port = await secured();
    const at = (tls: string, more = '') => get(`https://127.0.0.1:${port}/`, `tls_config: {${tls}}${more}`);
    await expect(at('')).rejects.toThrow(/self-signed/);
    await expect(at('ca_file: cert.pem')).rejects.toThrow(/IP: 127\.0\.0\.1|altnames/);
    expect(await text(at('ca_file: cert.pem, server_name: faultline.test'))).toBe('false');
    expect(await text(at('insecure_skip_verify: true'))).toBe('false');
    expect(await text(at('ca_file: cert.pem, server_name: faultline.test, cert_file: cert.pem, key_file: key.pem'))).toBe('true');
    await expect(at('insecure_skip_verify: true, min_version: TLS13, max_version: TLS12')).rejects.toThrow();
  });
  it('goes through a proxy end to end', async () => {
    const port = await secured();
    const asked: string[] = [];
    const server = createServer();
    server.on('connect', (request, client) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']} ${request.headers['x-tunnel']}`);
      if (asked.length > 1) {
        client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      const target = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      target.pipe(client);
      client.pipe(target);
      client.on('error', () => target.destroy());
    });
    const proxyPort = await listen(server);
    const keys = `tls_config: {ca_file: cert.pem, server_name: faultline.test}\n  proxy_url: "http://u:p@127.0.0.1:${proxyPort}"\n  proxy_connect_header: {X-Tunnel: [t]}`;
    expect(await text(get(`https://127.0.0.1:${port}/`, keys))).toBe('false');
    expect(asked).toEqual([`127.0.0.1:${port} Basic dTpw t`]);
    await expect(get(`https://127.0.0.1:${port}/`, keys)).rejects.toThrow(/proxy 127.0.0.1:\d+ answered HTTP 403 to CONNECT/);
  });
});

import { BlockList, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import type { ProxyConfig } from './http-client-config.ts';

const { request: httpRequest } = process.getBuiltinModule('node:http');
const { request: httpsRequest } = process.getBuiltinModule('node:https');
const bare = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();
const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);
function within(host: string, network: string): boolean {
  const [address = '', bits] = network.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || isIP(host) !== isIP(address) || !/^\d{1,3}$/.test(bits ?? '')) return false;
  if (Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}
/** Whether a host is asked directly: the rules of Go's httpproxy package, which Prometheus follows. */
export function isDirect(url: URL, noProxy: string): boolean {
  const host = bare(url.hostname);
  if (isLoopback(host)) return true;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => {
      if (entry === '') return false;
      if (entry === '*') return true;
      if (entry.includes('/')) return within(host, entry);
      const [, name = '', wantedPort] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [null, entry];
      if (wantedPort !== undefined && wantedPort !== port) return false;
      const wanted = bare(name).replace(/^\*\./, '.');
      return wanted.startsWith('.') ? host.endsWith(wanted) : host === wanted || host.endsWith(`.${wanted}`);
    });
}
/** The proxy an address is asked through; null: none. @throws Error when its address cannot be read */
export const proxyFor = (url: URL, proxy: ProxyConfig): URL | null =>
  proxy.url === '' || (proxy.noProxy !== '' && isDirect(url, proxy.noProxy)) ? null : new URL(proxy.url);
export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
const hostPort = ({ hostname, port, protocol }: URL): string => `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;

/** A connection through the proxy to an https address, encrypted end to end. */
export function tunnel(
  proxy: URL,
  url: URL,
  headers: Readonly<Record<string, readonly string[]>>,
  tls: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const connect = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
      host: bare(proxy.hostname),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: hostPort(url),
      headers: {
        ...Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [...values]])),
        ...proxyHeaders(proxy),
        host: hostPort(url),
      },
      agent: false,
      signal,
    });
    connect.on('connect', (response, socket, head) => {
      if (response.statusCode !== 200 || head.length > 0) {
        socket.destroy();
        reject(new Error(`the proxy ${proxy.host} answered HTTP ${response.statusCode} to CONNECT ${hostPort(url)}`));
        return;
      }
      const secured = tlsConnect({ ...tls, socket, servername: tls.servername || (isIP(bare(url.hostname)) ? '' : bare(url.hostname)) });
      secured.once('secureConnect', () => resolve(secured));
      secured.once('error', reject);
    });
    connect.on('response', (response) => {
      response.destroy();
      reject(new Error(`the proxy ${proxy.host} answered HTTP ${response.statusCode} to CONNECT ${hostPort(url)}`));
    });
    connect.on('error', reject);
    connect.end();
  });
}

import { createSocket, type Socket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { DiscoveryConfig } from './config.ts';
import { parsePrometheusConfig } from './config.ts';
import { type Discovery, startDiscovery } from './target-discovery.ts';
import { readHttpTargets } from './target-groups.ts';

let server: Server | undefined;
let nameServer: Socket | undefined;
let discovery: Discovery | undefined;
afterEach(() => {
  discovery?.stop();
  server?.closeAllConnections();
  server?.close();
  nameServer?.close();
  server = nameServer = discovery = undefined;
});
const discoveryConfig = (yaml: string): DiscoveryConfig =>
  parsePrometheusConfig('/x/prometheus.yml', `scrape_configs:\n- job_name: j\n  ${yaml}\n`).scrapes[0]?.discoveries[0] as DiscoveryConfig;
function found(config: DiscoveryConfig, resolver?: dns.Resolver): Promise<Discovery> {
  return new Promise((resolve) => {
    discovery = startDiscovery(config, {
      nowMs: Date.now,
      onChange: () => resolve(discovery as Discovery),
      ...(resolver ? { resolver } : {}),
    });
  });
}

describe('http_sd', () => {
  const groups = JSON.stringify([{ targets: ['a:1', 'b:2'], labels: { rack: 'r' } }]);
  async function listAt(
    type: string,
    body: string,
    seen: (headers: Readonly<Record<string, unknown>>) => void = () => {},
  ): Promise<string> {
    server = createServer((request, response) => {
      seen(request.headers);
      response.writeHead(type === '500' ? 500 : 200, { 'content-type': type }).end(body);
    });
    await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/sd`;
  }
  it('finds groups, and says where they are from', async () => {
    let headers: Readonly<Record<string, unknown>> = {};
    const url = await listAt('application/json; charset=utf-8', groups, (seen) => {
      headers = seen;
    });
    const list = await found(discoveryConfig(`http_sd_configs: [{url: "${url}", refresh_interval: 30s, authorization: {credentials: c}}]`));
    expect(list.groups).toEqual([{ targets: ['a:1', 'b:2'], labels: { rack: 'r', __meta_url: url } }]);
    expect(headers).toMatchObject({ accept: 'application/json', 'x-prometheus-refresh-interval-seconds': '30', authorization: 'Bearer c' });
  });
  it.each([
    ['500', groups, /the list of targets answered HTTP 500/],
    ['text/html', groups, /content type "text\/html", not application\/json/],
    ['application/json', '{"targets": []}', /cannot read the targets of http.*expected array/i],
    ['application/json', '[{"targets": "a:1"}]', /at 0.targets/],
    ['application/json', '[', /cannot read the targets/],
  ])('%s %s is told, and the list stays empty', async (type, body, says) => {
    const url = await listAt(type, body);
    const list = await found(discoveryConfig(`http_sd_configs: [{url: "${url}"}]`));
    expect(list.error).toMatch(says);
    expect(list.groups).toEqual([]);
  });
  it('refuses a list of more targets than anybody scrapes', () => {
    const many = JSON.stringify([{ targets: Array.from({ length: 100_001 }, (_, i) => `h:${i}`) }]);
    expect(() => readHttpTargets(Buffer.from(many), 'application/json', 'u')).toThrow('lists 100001 targets, the limit is 100000');
  });
});

/** A name server for one name: answers with the records given, as wire bytes, by question type. */
async function serveDns(answers: Readonly<Record<number, readonly Buffer[]>>): Promise<dns.Resolver> {
  nameServer = createSocket('udp4', (query, from) => {
    const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
    const records = answers[type] ?? [];
    const head = Buffer.from(query.subarray(0, query.indexOf(0, 12) + 5));
    head.writeUInt16BE(records.length === 0 && answers[0] ? 0x8582 : 0x8580, 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt16BE(0, 10);
    const rows = records.map((data) => {
      const row = Buffer.from([0xc0, 12, type >> 8, type & 255, 0, 1, 0, 0, 0, 5, 0, data.length]);
      return Buffer.concat([row, data]);
    });
    nameServer?.send(Buffer.concat([head, ...rows]), from.port, from.address);
  });
  await new Promise<void>((done) => nameServer?.bind(0, '127.0.0.1', done));
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${nameServer.address().port}`]);
  return resolver;
}
const name = (text: string): Buffer =>
  Buffer.concat([...text.split('.').map((part) => Buffer.from([part.length, ...Buffer.from(part)])), Buffer.from([0])]);
const u16 = (...values: readonly number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
const A = 1;
const MX = 15;
const AAAA = 28;
const SRV = 33;

describe('dns_sd', () => {
  it.each<[string, string, Readonly<Record<number, readonly Buffer[]>>, unknown[]]>([
    [
      'SRV',
      'names: [_m._tcp.x.test]',
      { [SRV]: [Buffer.concat([u16(1, 2, 9100), name('h1.x.test')]), Buffer.concat([u16(1, 2, 9200), name('h2.x.test')])] },
      [
        ['h1.x.test:9100', '_m._tcp.x.test', 'h1.x.test.', '9100'],
        ['h2.x.test:9200', '_m._tcp.x.test', 'h2.x.test.', '9200'],
      ],
    ],
    ['A', 'names: [x.test], type: a, port: 80', { [A]: [Buffer.from([10, 0, 0, 7])] }, [['10.0.0.7:80', 'x.test', undefined, undefined]]],
    [
      'AAAA',
      'names: [x.test], type: AAAA, port: 81',
      { [AAAA]: [Buffer.from([32, 1, 13, 184, ...new Array(11).fill(0), 1])] },
      [['[2001:db8::1]:81', 'x.test', undefined, undefined]],
    ],
  ])('%s records become targets with what they came from', async (_, keys, records, expected) => {
    const list = await found(discoveryConfig(`dns_sd_configs: [{${keys}}]`), await serveDns(records));
    const rows = list.groups.map(({ targets, labels }) => [
      targets[0],
      labels['__meta_dns_name'],
      labels['__meta_dns_srv_record_target'],
      labels['__meta_dns_srv_record_port'],
    ]);
    expect(rows.sort()).toEqual(expected);
  });
  it('MX records carry the host they name', async () => {
    const resolver = await serveDns({ [MX]: [Buffer.concat([u16(10), name('mail.x.test')])] });
    const list = await found(discoveryConfig('dns_sd_configs: [{names: [x.test], type: MX, port: 25}]'), resolver);
    expect(list.groups).toEqual([
      { targets: ['mail.x.test:25'], labels: { __meta_dns_name: 'x.test', __meta_dns_mx_record_target: 'mail.x.test.' } },
    ]);
  });
  it('a name server that fails is told, with the name', async () => {
    const list = await found(discoveryConfig('dns_sd_configs: [{names: [x.test], type: A, port: 1}]'), await serveDns({ 0: [] }));
    expect(list.error).toMatch(/cannot resolve A of x.test: E/);
  });
});

import { promises as dns } from 'node:dns';
import { isIPv6 } from 'node:net';
import type { DiscoveryConfig } from './config.ts';
import { httpGet } from './http-client.ts';
import { MAX_LIST_BYTES, readHttpTargets, readTargetFiles } from './target-groups.ts';
import type { TargetGroup } from './targets.ts';

/** Lists of targets that change: files, an HTTP address, DNS names. The last good list stays while a new one cannot be had. */
export type DnsResolver = Pick<dns.Resolver, 'resolveSrv' | 'resolve4' | 'resolve6' | 'resolveMx' | 'resolveNs'>;
export interface Discovery {
  readonly config: DiscoveryConfig;
  readonly groups: readonly TargetGroup[];
  /** Why the newest list could not be had, as a sentence; '' when it could. */
  readonly error: string;
  readonly lastUnixMs: number | null;
  stop(): void;
}
export interface DiscoveryOptions {
  /** Called when the groups or the error have changed. */
  readonly onChange: () => void;
  readonly nowMs: () => number;
  readonly resolver?: DnsResolver;
}
/** Files are looked at this often whatever their refresh_interval: Prometheus watches them, and fs.watch misses atomic renames. */
const FILES_MS = 5_000;
const HTTP_TIMEOUT_MS = 60_000;
const DNS_META = { SRV: 'srv', MX: 'mx', NS: 'ns' } as const;

const dotless = (name: string): string => name.replace(/\.$/, '');
const hostPort = (host: string, port: number): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

async function dnsGroup(resolver: DnsResolver, name: string, { type, port }: DiscoveryConfig & { kind: 'dns' }): Promise<TargetGroup[]> {
  const group = (target: string, labels: Readonly<Record<string, string>> = {}): TargetGroup => ({
    targets: [target],
    labels: { __meta_dns_name: name, ...labels },
  });
  if (type === 'SRV') {
    const records = await resolver.resolveSrv(name);
    return records.map((record) =>
      group(hostPort(dotless(record.name), record.port), {
        __meta_dns_srv_record_target: `${dotless(record.name)}.`,
        __meta_dns_srv_record_port: String(record.port),
      }),
    );
  }
  if (type === 'A' || type === 'AAAA') {
    const addresses = await (type === 'A' ? resolver.resolve4(name) : resolver.resolve6(name));
    return addresses.map((address) => group(hostPort(address, port)));
  }
  const hosts = type === 'MX' ? (await resolver.resolveMx(name)).map(({ exchange }) => exchange) : await resolver.resolveNs(name);
  return hosts.map((host) => group(hostPort(dotless(host), port), { [`__meta_dns_${DNS_META[type]}_record_target`]: `${dotless(host)}.` }));
}
/** A name without records is an empty list, as in Prometheus; a name server that does not answer is a failure. */
async function discoverDns(resolver: DnsResolver, config: DiscoveryConfig & { kind: 'dns' }): Promise<TargetGroup[]> {
  const lists = await Promise.all(
    config.names.map(async (name) => {
      try {
        return await dnsGroup(resolver, name, config);
      } catch (cause) {
        const { code } = cause as { code?: string };
        if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
        throw new Error(`cannot resolve ${config.type} of ${name}: ${code ?? (cause as Error).message}`, { cause });
      }
    }),
  );
  return lists.flat();
}
async function discover(config: DiscoveryConfig, resolver: DnsResolver): Promise<TargetGroup[]> {
  if (config.kind === 'file') return readTargetFiles(config.patterns);
  if (config.kind === 'dns') return await discoverDns(resolver, config);
  const answer = await httpGet({
    url: config.url,
    timeoutMs: Math.min(HTTP_TIMEOUT_MS, config.refreshMs),
    maxBytes: MAX_LIST_BYTES,
    client: config.client,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'faultline',
      'x-prometheus-refresh-interval-seconds': String(config.refreshMs / 1000),
    },
    who: 'the list of targets',
  });
  return readHttpTargets(answer.body, answer.contentType, config.url);
}

export function startDiscovery(config: DiscoveryConfig, { onChange, nowMs, resolver = new dns.Resolver() }: DiscoveryOptions): Discovery {
  let groups: readonly TargetGroup[] = [];
  let error = '';
  let lastUnixMs: number | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const settle = (next: readonly TargetGroup[], problem: string): void => {
    const isNew = problem !== error || JSON.stringify(next) !== JSON.stringify(groups);
    groups = next;
    error = problem;
    lastUnixMs = nowMs();
    if (isNew) onChange();
  };
  const refresh = async (): Promise<void> => {
    try {
      const found = await discover(config, resolver);
      if (!stopped) settle(found, '');
    } catch (cause) {
      if (!stopped) settle(groups, (cause as Error).message);
    }
    if (!stopped) timer = setTimeout(() => void refresh(), config.kind === 'file' ? FILES_MS : config.refreshMs);
  };
  // Files are there at once: a start does not begin without targets that are known.
  if (config.kind === 'file') {
    try {
      groups = readTargetFiles(config.patterns);
    } catch (cause) {
      error = (cause as Error).message;
    }
    timer = setTimeout(() => void refresh(), FILES_MS);
  } else void refresh();
  return {
    config,
    get groups() {
      return groups;
    },
    get error() {
      return error;
    },
    get lastUnixMs() {
      return lastUnixMs;
    },
    stop: () => {
      stopped = true;
      if (timer) clearTimeout(timer);
    },
  };
}

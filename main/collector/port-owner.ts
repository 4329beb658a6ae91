import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { FaultlineError } from '#contracts/errors.ts';
import { flagOf } from '#contracts/listeners.ts';
import type { Address } from '#contracts/settings.ts';

const LISTEN = '0A';
const MAX_TRIES = 20;

/** Inodes of the sockets that listen on a port, from the kernel's tables. */
function listeningInodes(port: number): Set<string> {
  const inodes = new Set<string>();
  for (const table of ['tcp', 'tcp6']) {
    let text = '';
    try {
      text = readFileSync(`/proc/net/${table}`, 'utf8');
    } catch {
      continue;
    }
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [, local = '', , state] = fields;
      if (state === LISTEN && Number.parseInt(local.split(':')[1] ?? '', 16) === port) inodes.add(fields[9] as string);
    }
  }
  return inodes;
}
function holdsOneOf(pid: string, links: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return links.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    // Another user's process, or one that has just ended.
    return false;
  }
}
/** @returns e.g. "otelcol (process 123)"; null where the system does not tell (not Linux, another user's process) */
export function describePortOwner(port: number): string | null {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return null;
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || !holdsOneOf(pid, links)) continue;
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return `${name} (process ${pid})`;
  }
  return null;
}
/** The next port after `port` that is free at this moment; null when none of the next twenty is. */
export async function findFreePort(host: string, port: number): Promise<number | null> {
  for (let next = port + 1; next <= Math.min(port + MAX_TRIES, 65_535); next++) if (await isFree(host, next)) return next;
  return null;
}
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}

/** @throws FaultlineError port_taken, config_invalid naming the flag of the setting */
export async function opened<T>(setting: string, address: Address, open: (address: Address) => Promise<T>): Promise<T> {
  try {
    return await open(address);
  } catch (cause) {
    if (cause instanceof FaultlineError) throw cause;
    throw await listenErrorOf(flagOf(setting), address, cause as NodeJS.ErrnoException);
  }
}
async function listenErrorOf(flag: string, { host, port }: Address, cause: NodeJS.ErrnoException): Promise<FaultlineError> {
  if (cause.code !== 'EADDRINUSE') {
    return new FaultlineError('config_invalid', `cannot listen on ${host}:${port} (${flag}): ${cause.message}`, { cause });
  }
  const owner = describePortOwner(port) ?? 'another process';
  const free = await findFreePort(host, port);
  const offer = free === null ? '' : ` Free: ${flag} ${host}:${free}.`;
  return new FaultlineError('port_taken', `Port ${port} of ${host} (${flag}) is in use by ${owner}.${offer}`, { cause });
}

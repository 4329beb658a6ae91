import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { FaultlineError } from '#contracts/errors.ts';
import type { Address, Settings } from '#contracts/settings.ts';
import type { Runtime } from './runtime-file.ts';

/** "program (process 123)" of whoever listens on the port, null where it cannot be seen (other user, not Linux). */
export function portOwner(port: number): string | null {
  try {
    const inode = listeningInode(port);
    return inode === null ? null : processWithSocket(inode);
  } catch {
    return null;
  }
}
const LISTEN = '0A';
function listeningInode(port: number): string | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === LISTEN) return fields[9] ?? null;
    }
  }
  return null;
}
function processWithSocket(inode: string): string | null {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const descriptors = readdirSync(`/proc/${pid}/fd`);
      if (!descriptors.some((name) => readlinkSync(`/proc/${pid}/fd/${name}`) === `socket:[${inode}]`)) continue;
      return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (process ${pid})`;
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return null;
}

/** The next port after `address` nobody listens on; null when the next twenty are all taken. */
export async function freePortAfter(address: Address): Promise<number | null> {
  for (let port = address.port + 1; port <= Math.min(address.port + 20, 65_535); port++) {
    if (await canListen({ host: address.host, port })) return port;
  }
  return null;
}
function canListen({ host, port }: Address): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, host, () => server.close(() => done(true)));
  });
}

const FLAGS = { api: '--api', ingest: '--ingest', otlpGrpc: '--otlp-grpc' } as const;

/** Completes a port_taken error: which process has the port, and which one to take instead. Others come back as they are. */
export async function explainTakenPort(error: FaultlineError, settings: Settings, running: Runtime | null): Promise<FaultlineError> {
  if (!(error instanceof FaultlineError) || error.code !== 'port_taken') return error;
  const name = (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).find((key) => new RegExp(`\\b${settings[key].port}\\b`).test(error.message));
  if (!name) return error;
  const { host, port } = settings[name];
  const owner = portOwner(port);
  const free = await freePortAfter(settings[name]);
  const parts = [
    `Port ${port} on ${host} (${FLAGS[name]}) is taken${owner ? ` by ${owner}` : ''}.`,
    running?.api.endsWith(`:${port}`) ? `A Faultline listens there: ${running.api}.` : '',
    free === null
      ? `Choose another with ${FLAGS[name]} ${host}:0.`
      : `Port ${free} is free: ${FLAGS[name]} ${host}:${free}, or :0 for any.`,
  ];
  return new FaultlineError('port_taken', parts.filter(Boolean).join(' '), { cause: error });
}

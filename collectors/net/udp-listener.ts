import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { Address } from '#contracts/settings.ts';

export interface UdpOptions {
  readonly address: Address;
  readonly account: SourceAccount;
  /** The bytes are the handler's own. */
  readonly onDatagram: (bytes: Buffer, peer: string) => void;
  readonly log: (line: string) => void;
}
export interface UdpListener {
  readonly port: number;
  /** Reads what the system counted as lost. */
  countDrops(): Promise<void>;
  close(): Promise<void>;
}
/** Asked for; the system may give less (Linux: net.core.rmem_max). It bridges the time in which we do not read. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const DROPS_EVERY_MS = 1_000;

/** Opens the port. @throws the bind error (EADDRINUSE ...) */
export async function listenUdp({ address, account, onDatagram, log }: UdpOptions): Promise<UdpListener> {
  const type = isIPv6(address.host) ? 'udp6' : 'udp4';
  const socket = createSocket({ type });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(address.port, address.host, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
  socket.on('error', (error) => log(`${account.source}: ${error.message}`));
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch (error) {
    log(`${account.source}: the receive buffer keeps the system's size: ${(error as Error).message}`);
  }
  socket.on('message', (bytes, { address: peer }) => onDatagram(bytes, peer));
  const { port } = socket.address();
  let dropped = 0;
  const countDrops = async (): Promise<void> => {
    const now = await dropsOf(port, type === 'udp6');
    if (now > dropped) account.refuse('kernel_dropped', 'Datagrams came faster than they were read.', now - dropped);
    dropped = Math.max(dropped, now);
  };
  const timer = setInterval(() => void countDrops(), DROPS_EVERY_MS).unref();
  return {
    port,
    countDrops,
    close: async () => {
      clearInterval(timer);
      await countDrops();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** Last column of the port's row in /proc/net/udp: datagrams the system had no room for. 0 where there is no such file. */
async function dropsOf(port: number, v6: boolean): Promise<number> {
  const text = await readFile(v6 ? '/proc/net/udp6' : '/proc/net/udp', 'latin1').catch(() => '');
  return dropsIn(text, port);
}
export function dropsIn(table: string, port: number): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let drops = 0;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(end)) drops += Number(columns[12] ?? 0) || 0;
  }
  return drops;
}

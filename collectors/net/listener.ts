import type { Receiver } from '#collectors/otlp/receiver.ts';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { type ListenerKey, TLS_LISTENERS } from '#contracts/listeners.ts';
import type { Address, Listeners } from '#contracts/settings.ts';
import { listenTcp, type TcpListener, type TcpOptions } from './tcp-listener.ts';
import type { TlsFiles } from './tls-files.ts';
import { listenUdp, type UdpListener, type UdpOptions } from './udp-listener.ts';

/** A receiver with ports of its own, which the operator switched on. */
export interface RunningListener {
  readonly account: SourceAccount;
  /** HOST:PORT by the setting that asked for it. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Takes nothing more and stores what it holds. Safe twice. */
  close(deadlineMs: number): Promise<void>;
}
export interface ListenerOptions {
  readonly listeners: Listeners;
  readonly receiver: Receiver;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
/** Opens a port; its error names the setting that asked for it. */
export type OpenPort = <T>(setting: string, address: Address, open: (address: Address) => Promise<T>) => Promise<T>;

interface OpenedPort {
  readonly port: number;
  close(deadlineMs: number): Promise<void>;
}
/** By setting: how its port is opened. */
export type WantedPorts = Partial<Record<ListenerKey, (address: Address, tls: TlsFiles | null) => Promise<readonly OpenedPort[]>>>;
export interface OpenPorts {
  readonly addresses: Readonly<Record<string, string>>;
  /** Takes no more connections; those there are have until the deadline. */
  close(deadlineMs: number): Promise<void>;
}
const hostPort = ({ host }: Address, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
const speaksTls = (key: string): boolean => (TLS_LISTENERS as readonly string[]).includes(key);

/**
 * Opens those of a receiver's ports that are asked for, and tells its account where; if one cannot be opened, none stays open.
 * @throws what `openPort` makes of it, FaultlineError config_invalid for certificate and key
 */
export async function openPorts(listeners: Listeners, account: SourceAccount, openPort: OpenPort, wanted: WantedPorts): Promise<OpenPorts> {
  const opened: OpenedPort[] = [];
  const addresses: Record<string, string> = {};
  const close = async (deadlineMs: number): Promise<void> => {
    await Promise.all(opened.map((each) => each.close(deadlineMs)));
  };
  try {
    for (const [key, open] of Object.entries(wanted)) {
      const address = listeners[key as ListenerKey];
      if (!address) continue;
      const tls = speaksTls(key) ? (await import('./tls-files.ts')).readTls(key, listeners.tls) : null;
      const ports = await openPort(key, address, (at) => open(at, tls));
      opened.push(...ports);
      addresses[key] = hostPort(address, ports[0]?.port as number);
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  account.address = Object.entries(addresses)
    .map(([key, address]) => (speaksTls(key) ? `${address} (TLS)` : address))
    .join(', ');
  return { addresses, close };
}

const PORT_TRIES = 20;
/**
 * TCP and UDP on one port. With port 0 the system picks one that is free in TCP, which need not be free in UDP.
 * @throws the error of the last try
 */
export async function listenPair(
  options: Omit<TcpOptions, 'tls'> & Pick<UdpOptions, 'onDatagram'>,
): Promise<readonly [TcpListener, UdpListener]> {
  for (let tries = 1; ; tries++) {
    const tcp = await listenTcp({ ...options, tls: null });
    try {
      return [tcp, await listenUdp({ ...options, address: { ...options.address, port: tcp.port } })];
    } catch (error) {
      await tcp.close(0);
      if (options.address.port !== 0 || tries === PORT_TRIES) throw error;
    }
  }
}

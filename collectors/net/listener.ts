import type { Receiver } from '#collectors/otlp/receiver.ts';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { Address, Listeners } from '#contracts/settings.ts';
import type { TcpListener } from './tcp-listener.ts';
import type { UdpListener } from './udp-listener.ts';

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
/** Opens a port; its error names the flag that asked for it. */
export type OpenPort = <T>(flag: string, address: Address, open: (address: Address) => Promise<T>) => Promise<T>;
export const hostPort = ({ host }: Address, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

const PORT_TRIES = 20;
/**
 * TCP and UDP on one port. With port 0 the system picks one that is free in TCP, which need not be free in UDP.
 * @throws the error of the last try
 */
export async function openPair(
  address: Address,
  tcp: (address: Address) => Promise<TcpListener>,
  udp: (address: Address) => Promise<UdpListener>,
): Promise<readonly [TcpListener, UdpListener]> {
  for (let tries = 1; ; tries++) {
    const first = await tcp(address);
    try {
      return [first, await udp({ ...address, port: first.port })];
    } catch (error) {
      await first.close(0);
      if (address.port !== 0 || tries === PORT_TRIES) throw error;
    }
  }
}

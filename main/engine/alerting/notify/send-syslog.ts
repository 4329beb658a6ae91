import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import type { SyslogIntegration } from '#query/alerting/config.ts';
import type { Message } from '#query/alerting/message.ts';
import { type Attempt, DELIVERED, failed } from './attempt.ts';
import type { SendOptions } from './send-webhook.ts';
import { syslogLine } from './syslog-line.ts';

const TIMEOUT_MS = 10_000;
const MAX_ALERTS = 1_000;

/** A line for each alert. Never rejects. Syslog has no acknowledgement: what left this machine counts as delivered. */
export async function sendSyslog(
  to: SyslogIntegration,
  { receiver, alerts }: Message,
  { signal, onBytes, nowMs }: SendOptions & { readonly nowMs: () => number },
): Promise<Attempt> {
  const origin = { facility: to.facility, host: hostname(), pid: process.pid, receiver };
  const lines = alerts.slice(0, MAX_ALERTS).map((each) => syslogLine(each, origin, nowMs()));
  try {
    await (to.transport === 'tcp' ? byTcp(to, lines, signal) : byUdp(to, lines));
    onBytes(lines.reduce((sum, { length }) => sum + length, 0));
    return DELIVERED;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return failed(code === 'ECONNREFUSED' ? `nothing listens at ${to.host}:${to.port}` : message, true);
  }
}
async function byUdp({ host, port }: SyslogIntegration, lines: readonly Buffer[]): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    for (const line of lines)
      await new Promise<void>((sent, refused) => socket.send(line, port, host, (error) => (error ? refused(error) : sent())));
  } finally {
    socket.close();
  }
}
/** Each with its length in front (RFC 6587 §3.4.1): a line may hold anything. */
function byTcp({ host, port }: SyslogIntegration, lines: readonly Buffer[], signal: AbortSignal): Promise<void> {
  return new Promise((sent, refused) => {
    const socket = connect({ host, port, signal });
    const timer = setTimeout(() => socket.destroy(new Error(`not sent within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    socket.on('error', refused);
    socket.on('close', () => {
      clearTimeout(timer);
      sent();
    });
    socket.on('connect', () => socket.end(Buffer.concat(lines.flatMap((line) => [Buffer.from(`${line.length} `), line]))));
    // What it says is nothing to us, but unread it would keep the connection open.
    socket.resume();
  });
}

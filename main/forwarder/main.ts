import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import type { ToChild } from '#contracts/processes.ts';
import { parentPort } from '#main/supervisor/parent-port.ts';
import { type RunningForwarder, startForwarder } from './start-forwarder.ts';

/** Entry of the forwarder process, steered by the supervisor's messages. */
const port = parentPort();
let running: Promise<RunningForwarder> | null = null;

async function start(settings: Extract<ToChild, { type: 'start' }>['settings']): Promise<void> {
  try {
    running = startForwarder({ settings, send: (message) => port.send(message) });
    await running;
    port.send({ type: 'ready', addresses: {} });
  } catch (error) {
    const code = error instanceof FaultlineError ? error.code : 'internal';
    port.send({ type: 'fatal', code, message: `forwarding cannot start: ${(error as Error).message}`, todo: ERRORS[code].todo });
    setTimeout(() => process.exit(1), 50);
  }
}
async function stop(deadlineMs: number): Promise<void> {
  setTimeout(() => process.exit(0), Math.max(300, deadlineMs)).unref();
  await running?.then((forwarder) => forwarder.stop(deadlineMs / 2)).catch(() => undefined);
  port.send({ type: 'stopped' });
  setTimeout(() => process.exit(0), 20);
}
port.onMessage((message: ToChild) => {
  if (message.type === 'start') void start(message.settings);
  else if (message.type === 'stop') void stop(message.deadlineMs);
  else void running?.then((forwarder) => forwarder.onMessage(message)).catch(() => undefined);
});
port.onClose(() => void stop(2_000));

import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import type { ToChild } from '#contracts/processes.ts';
import { parentPort } from '#main/supervisor/parent-port.ts';
import { shrinkWhenCalm } from '#main/supervisor/shrink-when-calm.ts';
import { type RunningCollector, startCollector } from './start-collector.ts';

/** Entry of the collector process: one collector, steered by the supervisor's messages. */
const port = parentPort();
let running: Promise<RunningCollector> | null = null;
/** Exit can hang in Node's own shutdown (facts/storage.md): the last word is a signal nobody can hang on. */
const LAST_RESORT_MS = 1_000;

function exit(code: number): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_RESORT_MS).unref();
  process.exit(code);
}
function fail(error: unknown): void {
  const code = error instanceof FaultlineError ? error.code : 'internal';
  if (code === 'internal') console.error(error);
  port.send({ type: 'fatal', code, message: error instanceof Error ? error.message : String(error), todo: ERRORS[code].todo });
  // The message must leave before the process does.
  setTimeout(() => exit(1), 50);
}
async function start(message: Extract<ToChild, { type: 'start' }>): Promise<void> {
  const { settings, releasedPosition, heldPosition } = message;
  try {
    running = startCollector({
      settings,
      send: (answer) => port.send(answer),
      ...(releasedPosition === undefined ? {} : { releasedPosition }),
      ...(heldPosition === undefined ? {} : { heldPosition }),
    });
    const { addresses } = await running;
    port.send({ type: 'ready', addresses });
  } catch (error) {
    fail(error);
  }
}
/** What kept it from starting was told by `fail`; a second time, with its stack, it only hides that sentence. */
function logUntold(error: unknown): void {
  if (!(error instanceof FaultlineError)) console.error(error);
}
async function stop(deadlineMs: number): Promise<void> {
  setTimeout(() => exit(0), Math.max(500, deadlineMs)).unref();
  // Room after the sources for the journal to be sealed.
  await running?.then((collector) => collector.stop(deadlineMs * 0.8)).catch(logUntold);
  port.send({ type: 'stopped' });
  setTimeout(() => exit(0), 20);
}
// A backstop: Node's HTTP/2 and grpc-js throw where nobody can catch when a peer resets a stream at the right moment. Such
// an error concerns that stream only; every other exception still ends the process, and the supervisor starts it again.
process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  console.error(error);
  if (!error.code?.startsWith('ERR_HTTP2_')) exit(1);
});
shrinkWhenCalm();
port.onMessage((message: ToChild) => {
  if (message.type === 'start') void start(message);
  else if (message.type === 'stop') void stop(message.deadlineMs);
  else void running?.then((collector) => collector.onMessage(message)).catch(() => undefined);
});
port.onClose(() => void stop(5_000));

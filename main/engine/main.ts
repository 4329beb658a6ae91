import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import type { PreviousEnd, ToChild } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import { parentPort } from '#main/supervisor/parent-port.ts';
import { type RunningEngine, startEngine } from './start-engine.ts';

// Buffers outside of V8's heap stay until a collection, and an idle process has none: the store asks for one when a load is over.
setFlagsFromString('--expose-gc');
globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;
// A matcher like (a+)+ tries for minutes on a value it does not fit, where Prometheus' RE2 does not: after 50,000 steps back V8 goes on in
// linear time.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** Entry of the engine process: one engine, steered by the supervisor's messages. */
const port = parentPort();
let running: Promise<RunningEngine> | null = null;

function fail(error: unknown): void {
  const code = error instanceof FaultlineError ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'internal') console.error(error);
  port.send({ type: 'fatal', code, message, todo: ERRORS[code].todo });
  // The message must leave before the process does. Not exit(): after a fatal error of DuckDB it was seen to hang for good in
  // native threads (tests/faults, eio), and nobody starts another engine beside one that has not ended.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
}
/** exit() waits for the thread that does not hear: only a signal ends it. */
function endNow(says: string): void {
  port.send({ type: 'fatal', code: 'query_memory', message: says, todo: ERRORS.query_memory.todo });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);
}
async function start(settings: Settings, previousEnd: PreviousEnd | null): Promise<void> {
  try {
    running = startEngine({
      settings,
      send: (message) => port.send(message),
      onDead: (line) => fail(new FaultlineError('internal', line)),
      onOutOfMemory: endNow,
      previousEnd,
    });
    const { url } = await running;
    port.send({ type: 'ready', addresses: { api: url } });
  } catch (error) {
    fail(error);
  }
}
/** What kept it from starting was told by `fail`; a second time, with its stack, it only hides that sentence. */
function logUntold(error: unknown): void {
  if (!(error instanceof FaultlineError)) console.error(error);
}
async function stop(deadlineMs: number): Promise<void> {
  // Exit can hang in native threads: the deadline holds whatever happens.
  setTimeout(() => process.exit(0), Math.max(500, deadlineMs)).unref();
  await running?.then((engine) => engine.stop()).catch(logUntold);
  try {
    port.send({ type: 'stopped' });
  } finally {
    setTimeout(() => process.exit(0), 20);
  }
}
port.onMessage((message: ToChild) => {
  if (message.type === 'start') void start(message.settings, message.previousEnd ?? null);
  else if (message.type === 'stop') void stop(message.deadlineMs);
  else void running?.then((engine) => engine.onMessage(message)).catch(() => undefined);
});
port.onClose(() => void stop(8_000));

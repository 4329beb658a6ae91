import type { ToChild } from '#contracts/processes.ts';
import { parentPort } from '#main/supervisor/parent-port.ts';
import { serveCalls } from '#models/process/serve-calls.ts';

/** Entry of the llm process: started with the first call, holds no state, ended by a signal. */
const port = parentPort();
const server = serveCalls(
  (news) => port.send({ type: 'llm-news', news }),
  (line) => console.error(`llm: ${line}`),
);
/** Native threads may hold up an ordinary exit, and there is nothing to tidy up. */
const end = (): void => void process.kill(process.pid, 'SIGKILL');

port.onMessage((message: ToChild) => {
  if (message.type === 'llm-call') server.hear(message.call);
  else if (message.type === 'stop') end();
});
port.onClose(end);

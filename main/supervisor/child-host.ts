import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FromChild } from '#contracts/processes.ts';
import { childEnvironment } from './child-environment.ts';
import type { ChildHandle, ProcessHost, SpawnName } from './process-host.ts';

/**
 * Where a process starts: beside the bundle when this file is part of one, else the TypeScript source, which Node runs
 * as it is. DuckDB queries and file reads share libuv's pool: four threads starve each other (facts: 4 queries made a
 * 4 KB read wait 10.6 s), so the engine gets sixteen.
 */
export function entryOf(name: SpawnName | 'demo', here = import.meta.dirname): string {
  const bundled = join(here, `${name}.js`);
  if (existsSync(bundled)) return bundled;
  return name === 'demo' ? join(here, '../../demo/main.ts') : join(here, `../${name}/main.ts`);
}

const start = (name: SpawnName): ChildProcess =>
  fork(entryOf(name), [], {
    env: childEnvironment(name, process.env),
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });

/**
 * Children of plain Node, over its IPC channel; their stdout and stderr go to our stderr.
 * @param warm started at once, before there are settings: they load their code while this process reads its own. They wait
 *   for "start" and end with this process if it never comes.
 */
export function childHost(warm: readonly SpawnName[] = []): ProcessHost {
  const waiting = new Map(warm.map((name) => [name, start(name)]));
  return {
    spawn(name): ChildHandle {
      const child = waiting.get(name) ?? start(name);
      waiting.delete(name);
      let ended = false;
      return {
        pid: child.pid,
        send: (message) => void (child.connected && child.send(message, () => undefined)),
        onMessage: (listener) => void child.on('message', (message) => listener(message as FromChild)),
        onExit: (listener) => {
          const end = (reason: string): void => {
            if (ended) return;
            ended = true;
            listener(reason);
          };
          child.once('exit', (code, signal) => end(signal ? `signal ${signal}` : `exit code ${code}`));
          child.once('error', (error) => end(error.message));
        },
        kill: () => void child.kill('SIGKILL'),
      };
    },
  };
}

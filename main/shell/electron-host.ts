import type { UtilityProcess, utilityProcess } from 'electron';
import type { FromChild } from '#contracts/processes.ts';
import { childEnvironment } from '#main/supervisor/child-environment.ts';
import type { ChildHandle, ProcessHost, SpawnName } from '#main/supervisor/process-host.ts';

/** Children as Electron utility processes: own process, no RunAsNode, a MessagePort instead of an IPC pipe. */
export function electronHost(
  utility: Pick<typeof utilityProcess, 'fork'>,
  entryOf: (name: SpawnName) => string,
  env: NodeJS.ProcessEnv,
): ProcessHost {
  return {
    spawn(name): ChildHandle {
      const child: UtilityProcess = utility.fork(entryOf(name), [], {
        serviceName: `Faultline ${name}`,
        stdio: 'inherit',
        env: childEnvironment(name, env),
      });
      return {
        get pid() {
          return child.pid;
        },
        send: (message) => child.postMessage(message),
        onMessage: (listener) => void child.on('message', (message) => listener(message as FromChild)),
        onExit: (listener) => void child.once('exit', (code) => listener(`exit code ${code}`)),
        kill: () => {
          // kill() asks politely; a process that hangs in native code needs the signal.
          if (child.pid === undefined) child.kill();
          else process.kill(child.pid, 'SIGKILL');
        },
      };
    },
  };
}

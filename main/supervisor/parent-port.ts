import type { ParentPort, ToChild } from '#contracts/processes.ts';

/** The part of Electron's process.parentPort we use (utilityProcess children). */
interface ElectronPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
}

/** What a child process talks to its supervisor through: node:child_process IPC or Electron's utility process port. */
export function parentPort(): ParentPort {
  const electron = (process as unknown as { parentPort?: ElectronPort }).parentPort;
  if (electron) {
    return {
      send: (message) => electron.postMessage(message),
      onMessage: (listener) => electron.on('message', (event) => listener(event.data as ToChild)),
      // Electron ends its utility processes itself when the main process goes.
      onClose: () => undefined,
    };
  }
  return {
    // A supervisor killed a moment ago leaves a closed channel: sending into it is not this process's error.
    send: (message) => void (process.connected && process.send?.(message, undefined, undefined, () => undefined)),
    onMessage: (listener) => void process.on('message', (message) => listener(message as ToChild)),
    onClose: (listener) => void process.once('disconnect', listener),
  };
}

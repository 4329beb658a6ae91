import type { FromChild, ToChild } from '#contracts/processes.ts';

/** Children that run all the time; the forwarder only while a destination is configured. */
export type ChildName = 'collector' | 'engine' | 'forwarder';
/** All that a host can start: the llm process and the importer only on demand. */
export type SpawnName = ChildName | 'llm' | 'importer';

/** One running child, whatever carries its messages. */
export interface ChildHandle {
  readonly pid: number | undefined;
  send(message: ToChild): void;
  onMessage(listener: (message: FromChild) => void): void;
  /** Called once. `reason` is a sentence part such as "exit code 1" or "signal SIGKILL". */
  onExit(listener: (reason: string) => void): void;
  kill(): void;
}
/** Starts children: plain Node here, Electron's utilityProcess in the desktop app (main/shell). */
export interface ProcessHost {
  spawn(name: SpawnName): ChildHandle;
}

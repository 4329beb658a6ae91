import { chmodSync } from 'node:fs';
import type { ProcessState } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import { hasForwardStates } from '#exporters/forward/forward-state.ts';
import { hasDestinations } from '#main/forwarder/destinations.ts';
import { lockFolder } from './lock-folder.ts';
import type { ChildName, ProcessHost } from './process-host.ts';
import { removeDrafts } from './remove-drafts.ts';
import { type Supervisor, supervise } from './supervise.ts';

/** A file of destinations nobody can read counts as one: what waits for them must be kept, and the forwarder says what is wrong. */
function isForwarding(settings: Settings, log: (line: string) => void): boolean {
  try {
    return hasDestinations(settings);
  } catch (error) {
    log(`the destinations of forwarding cannot be read: ${(error as Error).message}`);
    return true;
  }
}
export interface ConsoleOptions {
  readonly settings: Settings;
  readonly host: ProcessHost;
  readonly log: (line: string) => void;
  readonly onState?: (name: ChildName, state: ProcessState) => void;
  /** Started for one command, which may not know the destinations of forwarding: what waits for them must outlive it. */
  readonly oneCommand?: boolean;
}

/**
 * One running console on one data folder, whoever hosts it (`faultline serve`, the desktop shell, a headless import):
 * the folder is locked before any child touches it and freed after the last has ended.
 * @throws FaultlineError data_dir_locked, data_dir_not_writable, port_taken, ...
 */
export async function startConsole({ settings, host, log, onState, oneCommand = false }: ConsoleOptions): Promise<Supervisor> {
  // Files of this process and of its children are their owner's only, whatever the mode of the folder.
  process.umask(0o077);
  const lock = await lockFolder(settings.dataDir, log);
  try {
    // Telemetry is confidential: a folder made by hand may be open to all.
    chmodSync(settings.dataDir, 0o700);
  } catch {
    log(`the mode of ${settings.dataDir} cannot be set to 0700: other users of this machine may be able to read it`);
  }
  removeDrafts(settings.dataDir, log);
  try {
    const supervisor = await supervise({
      settings,
      host,
      log,
      ...(onState ? { onState } : {}),
      forwarding: isForwarding(settings, log),
      keepJournal: oneCommand && hasForwardStates(settings.dataDir),
      onChildren: (pids) => lock.noteChildren(pids),
    });
    let stopped: Promise<void> | null = null;
    return { ...supervisor, stop: () => (stopped ??= supervisor.stop().finally(() => lock.release())) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

import type { Connection, Database } from '#store/database/database.ts';
import type { DayFiles } from '#store/database/day-files.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { StartGate } from './start-gate.ts';

const WORTH_COLLECTING_BYTES = 24 * 1024 ** 2;
/** What a calm console's memory moves by. */
const WORTH_PURGING_BYTES = 8 * 1024 ** 2;
/** Row groups of a file after which it is attached once more: 6 MB, under load 64 MB, which are ten minutes of it. */
const WORTH_RENEWING = 24;
const WORTH_RENEWING_BUSY = 256;

export interface GiveBackParts {
  readonly database: Database;
  readonly connection: Connection;
  readonly days: DayFiles;
  readonly pool: ConnectionPool;
  readonly gate: StartGate;
}
/** Gives memory back to the system, in the writer's queue; false: queries run, so that what files take stays, to be tried again soon. */
export function giveBackWith({ database, connection, days, pool, gate }: GiveBackParts): (isCalm: boolean) => Promise<boolean> {
  let leftBytes = 0;
  let leftRss = 0;
  const letGo = async (isCalm: boolean): Promise<boolean> => {
    const isQuiet = (): boolean => pool.isIdle && database.isQuiet(connection);
    // Asked before the gate as well, which makes others wait.
    if (!isQuiet()) return false;
    return gate.exclusive(async () => {
      if (!isQuiet()) return false;
      for (const file of days.attached) if (file.grown >= (isCalm ? WORTH_RENEWING : WORTH_RENEWING_BUSY)) await days.renew(file);
      await database.dropCache(connection, isCalm);
      return true;
    });
  };
  return async (isCalm) => {
    // A whole collection every half minute would be a third of what a calm console costs. The last resort gives V8's spare pages back.
    if (isCalm && usedBytes() - leftBytes > WORTH_COLLECTING_BYTES) {
      globalThis.gc?.({ type: 'major', flavor: 'last-resort', execution: 'sync' });
      leftBytes = usedBytes();
    }
    const isDone = await letGo(isCalm);
    // Not under load: what is given back then is asked for again at once, which cost a fifth more CPU.
    if (isCalm && Math.abs(process.memoryUsage.rss() - leftRss) > WORTH_PURGING_BYTES) {
      await database.purge(connection);
      leftRss = process.memoryUsage.rss();
    }
    return isDone;
  };
}
function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

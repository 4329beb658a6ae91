import { type Connection, type Database, WORTH_DROPPING_BUSY_BYTES, WORTH_DROPPING_BYTES } from '#store/database/database.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { StartGate } from './start-gate.ts';

const WORTH_COLLECTING_BYTES = 24 * 1024 ** 2;

export interface GiveBackParts {
  readonly database: Database;
  readonly connection: Connection;
  readonly pool: ConnectionPool;
  readonly gate: StartGate;
}
/** Gives memory back to the system; false: queries run, to be tried again soon. */
export function giveBackWith({ database, connection, pool, gate }: GiveBackParts): (isCalm: boolean) => Promise<boolean> {
  let leftBytes = 0;
  return async (isCalm) =>
    // Asked before the gate as well, which makes others wait.
    pool.isIdle &&
    gate.exclusive(async () => {
      if (!pool.isIdle) return false;
      await database.dropCache(connection, isCalm ? WORTH_DROPPING_BYTES : WORTH_DROPPING_BUSY_BYTES);
      // A whole collection every half minute would be a third of what a calm console costs.
      if (isCalm && usedBytes() - leftBytes > WORTH_COLLECTING_BYTES) {
        globalThis.gc?.();
        leftBytes = usedBytes();
      }
      return true;
    });
}
function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

import { TELEMETRY } from '../sql/ddl/ddl.ts';
import { SAMPLE_BLOCKS } from '../sql/ddl/sample-blocks.ts';
import { type Day, dayName } from '../write/day-of.ts';
import type { Connection } from './database.ts';
import type { Consumed, DayFiles } from './day-files.ts';
import { setAside } from './quarantine.ts';
import { isReadable, type Salvaged, salvage } from './salvage.ts';

export interface Repaired extends Salvaged {
  readonly day: Day;
  readonly bytes: number;
  readonly asidePath: string;
}
const TABLES = [...TELEMETRY.map((table) => table.name), SAMPLE_BLOCKS.name, 'consumed'];

/**
 * After a reader met damage: finds the day files that cannot be read to the end, sets each aside and puts a new file
 * with what could be saved in its place. Runs in the writer's queue, with no statement starting.
 */
export async function repairDays(connection: Connection, days: DayFiles, dataDir: string, nowMs: number): Promise<Repaired[]> {
  const repaired: Repaired[] = [];
  for (const file of days.attached) {
    if (await isReadable(connection, file.database, TABLES)) continue;
    repaired.push(await replaceDay(connection, days, file.day, dataDir, 'blocks that cannot be read', nowMs, file.consumed));
  }
  return repaired;
}
/**
 * Sets a day's file aside and puts what can be saved in its place; nothing when nothing can.
 * @param consumed what the file had taken in: the note in it may be what was damaged, and a replay would double the rows that were saved
 */
export async function replaceDay(
  connection: Connection,
  days: DayFiles,
  day: Day,
  dataDir: string,
  reason: string,
  nowMs: number,
  consumed: ReadonlyMap<string, Consumed>,
): Promise<Repaired> {
  await days.drop(day, false);
  const aside = setAside(dataDir, days.path(day), reason, nowMs);
  const fresh = await days.attach(day);
  const result = await salvage(connection, aside.path, fresh.database, TABLES).catch(() => ({ kept: 0, lost: 0 }));
  if (result.kept > 0) await noteConsumed(connection, fresh.database, consumed);
  await days.drop(day, result.kept === 0);
  // Attached once more to count its rows: the entry was made of the empty file.
  if (result.kept > 0) await days.attach(day);
  return { day, bytes: aside.bytes, asidePath: aside.path, ...result };
}
async function noteConsumed(connection: Connection, database: string, known: ReadonlyMap<string, Consumed>): Promise<void> {
  const note = `${database}.main.consumed`;
  for (const { name } of TELEMETRY) {
    const { position, ordinal } = known.get(name) ?? { position: -1, ordinal: 0 };
    await connection.run(
      `INSERT INTO ${note} SELECT '${name}', ${position}, ${ordinal} WHERE NOT EXISTS (SELECT 1 FROM ${note} WHERE table_name = '${name}')`,
    );
    await connection.run(
      `UPDATE ${note} SET position = ${position}, ordinal = ${ordinal} WHERE table_name = '${name}' AND (position, ordinal) < (${position}, ${ordinal})`,
    );
  }
}
export const saysRepaired = ({ day, asidePath, kept, lost }: Repaired): string =>
  `The file of ${dayName(day)} was damaged and set aside as ${asidePath}; ${kept} rows were saved, ${lost > 0 ? lost : 'an unknown number'} were not.`;

import { constants, existsSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import type { DatabaseFile } from '../database/attach-file.ts';
import type { Connection } from '../database/database.ts';
import { fileBytes } from '../database/quarantine.ts';
import { isDamage } from '../database/salvage.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import { MigrationTeller } from './migration-watch.ts';
import type { Migration } from './migrations.ts';

/**
 * Brings an attached file of an older layout to SCHEMA_VERSION, one transaction a layout; what it changes is copied to backups/ before.
 * The caller detaches after a failure, which takes the step at hand back.
 * @throws FaultlineError schema_newer, migration_failed (the file has its layout or one between)
 * @param reattach attaches the file again: it is detached for the copy, so that nothing of it is only in memory
 */
export async function migrate(
  connection: Connection,
  file: DatabaseFile,
  version: number,
  backupDir: string,
  migrations: readonly Migration[],
  reattach: () => Promise<void>,
): Promise<void> {
  if (file.readOnly)
    throw new FaultlineError(
      'data_dir_not_writable',
      `${file.path} has layout ${version} and cannot be brought to ${SCHEMA_VERSION} read-only`,
    );
  const steps = stepsFrom(file, version, migrations);
  // A day file may have many GB: it is copied only when something in it changes.
  const changes = steps.some(({ sql, onlyAdds }) => sql.length > 0 && !onlyAdds);
  const about = { file: basename(file.path), bytes: fileBytes(file.path), from: version, to: SCHEMA_VERSION };
  const teller = new MigrationTeller(connection, about, changes ? file.watch : undefined);
  teller.start();
  try {
    if (changes) await backUp(connection, file, version, backupDir, reattach);
    for (const step of steps) {
      // DuckDB cannot alter a table that the same transaction has updated.
      await connection.run('BEGIN TRANSACTION');
      await teller.change(step.sql.map((sql) => sql.replaceAll('{db}', file.name)));
      await connection.run(`UPDATE ${file.name}.main.schema_version SET version = ${step.to}`);
      await connection.run('COMMIT');
    }
    teller.end(true);
  } catch (cause) {
    teller.end(false);
    if (cause instanceof FaultlineError) throw cause;
    const { message } = cause as Error;
    if (isDamage(message)) throw cause;
    // A step that does not fit is no damage: the file must not be set aside for it.
    throw new FaultlineError('migration_failed', `${file.path} cannot be brought to layout ${SCHEMA_VERSION}: ${message}`, { cause });
  }
}
async function backUp(
  connection: Connection,
  file: DatabaseFile,
  version: number,
  backupDir: string,
  reattach: () => Promise<void>,
): Promise<void> {
  await connection.run(`DETACH ${file.name}`);
  const backup = join(backupDir, `${basename(file.path)}.v${version}`);
  try {
    mkdirSync(backupDir, { recursive: true });
    await copyWhole(file.path, backup);
    if (existsSync(`${file.path}.wal`)) await copyWhole(`${file.path}.wal`, `${backup}.wal`);
  } catch (cause) {
    // Too little disk, for one: no reason to take the file itself for damaged.
    throw new FaultlineError(
      'migration_failed',
      `${file.path} cannot be brought to layout ${SCHEMA_VERSION}: no copy can be made first: ${(cause as Error).message}`,
      { cause },
    );
  }
  await reattach();
}
/** Under another name until it is whole: half a copy must not look like one, nor keep its disk. */
async function copyWhole(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, `${to}.new`, constants.COPYFILE_FICLONE);
    await rename(`${to}.new`, to);
  } catch (cause) {
    rmSync(`${to}.new`, { force: true });
    throw cause;
  }
}
interface Step {
  readonly to: number;
  readonly sql: readonly string[];
  readonly onlyAdds: boolean;
}
function stepsFrom(file: DatabaseFile, version: number, migrations: readonly Migration[]): Step[] {
  const steps: Step[] = [];
  for (let from = version; from < SCHEMA_VERSION; from++) {
    const step = migrations.find((migration) => migration.kind === file.kind && migration.from === from);
    if (!step) throw new FaultlineError('schema_newer', `${file.path} has layout ${version}; no way from ${from} to ${from + 1} is known`);
    steps.push({ to: from + 1, sql: step.sql, onlyAdds: step.onlyAdds ?? false });
  }
  return steps;
}

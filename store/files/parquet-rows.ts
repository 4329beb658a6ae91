import { DuckDBInstance } from '@duckdb/node-api';
import { textLiteral } from '../database/database.ts';

/** Values as JSON has them: whole numbers beyond 2^53 and times as text. */
export type ParquetRow = Readonly<Record<string, unknown>>;

/**
 * Rows of a Parquet file in its order, in blocks, by an instance of its own that may touch nothing else. Run where a crash harms nobody: a
 * hostile file may end the process. @throws what DuckDB says of the file
 */
export async function* readParquetRows(path: string): AsyncGenerator<readonly ParquetRow[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
  const connection = await instance.connect();
  try {
    for (const setting of ['SET autoinstall_known_extensions = false', 'SET autoload_known_extensions = false', "SET TimeZone = 'UTC'"])
      await connection.run(setting);
    await connection.run(`SET allowed_paths = [${textLiteral(path)}]`);
    await connection.run('SET enable_external_access = false');
    const result = await connection.stream(`SELECT * FROM read_parquet(${textLiteral(path)})`);
    for await (const rows of result.yieldRowObjectJson()) if (rows.length > 0) yield rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

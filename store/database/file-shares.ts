import { USUAL_ROW_BYTES } from '#contracts/volume.ts';
import { TELEMETRY } from '../sql/ddl/ddl.ts';
import { DICTIONARY_TABLES } from '../sql/ddl/dictionary-tables.ts';
import { SAMPLE_BLOCKS } from '../sql/ddl/sample-blocks.ts';
import { fileBytes } from './quarantine.ts';

/** Bytes of one table in one file. */
export interface TableShare {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
}
export interface FileShares {
  readonly file: string;
  readonly day: string | null;
  readonly bytes: number;
  readonly tables: readonly TableShare[];
  readonly otherBytes: number;
  readonly guessedBytes: number;
}
export interface SharedFile {
  readonly file: string;
  readonly day: string | null;
  readonly path: string;
  readonly database: string;
  /** Samples in blocks: to readers they are rows of `samples`. */
  readonly blockSamples: number;
}
const OTHER_ROW_BYTES = 200;
const BLOCK_BYTES = 262_144;

const tablesOf = ({ day }: SharedFile): readonly string[] =>
  (day === null ? DICTIONARY_TABLES : [...TELEMETRY, SAMPLE_BLOCKS]).map(({ name }) => name);
/**
 * Where the compressed segments of each table lie: DuckDB says in which block each begins, and the next one in the same block where it
 * ends. Rows that are in no block yet count as `loose`.
 */
export function sharesSql(file: SharedFile): string {
  const segments = tablesOf(file).map(
    (table) => `SELECT '${table}' AS name, column_path, count, persistent, block_id, block_offset, len(additional_block_ids) AS more
    FROM pragma_storage_info('${file.database}.main.${table}')`,
  );
  return `WITH segments AS (${segments.join(' UNION ALL ')}
), laid AS (
  SELECT name, coalesce(lead(block_offset) OVER (PARTITION BY block_id ORDER BY block_offset), ${BLOCK_BYTES}) - block_offset + more * ${BLOCK_BYTES} AS bytes
  FROM segments WHERE persistent AND block_id >= 0
), loose AS (
  SELECT name, sum(count) AS rows FROM segments WHERE NOT persistent AND column_path = '[0]' GROUP BY name
), counted AS (
  SELECT name, sum(count) AS rows FROM segments WHERE column_path = '[0]' GROUP BY name
)
SELECT c.name, c.rows::DOUBLE AS rows, coalesce((SELECT sum(bytes) FROM laid l WHERE l.name = c.name), 0)::DOUBLE AS bytes,
  coalesce(l.rows, 0)::DOUBLE AS loose FROM counted c LEFT JOIN loose l USING (name)`;
}

export interface ShareRow {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly loose: number;
}
/** Lays the bytes of a file on its tables: blocks as measured, what is in the log by the usual size of its rows. */
export function sharesOf(
  file: Pick<SharedFile, 'file' | 'day' | 'blockSamples'>,
  bytes: number,
  logBytes: number,
  rows: readonly ShareRow[],
): FileShares {
  const weightOf = ({ name, loose }: ShareRow): number => loose * (USUAL_ROW_BYTES[name] ?? OTHER_ROW_BYTES);
  const weight = rows.reduce((sum, row) => sum + weightOf(row), 0);
  const measured = rows.reduce((sum, row) => sum + row.bytes, 0);
  const guessed = weight > 0 ? Math.min(logBytes, Math.max(0, bytes - measured)) : 0;
  const laidOut = rows.map((row) => ({
    table: row.name,
    rows: row.rows,
    bytes: row.bytes + (weight > 0 ? (guessed * weightOf(row)) / weight : 0),
  }));
  const tables = joinBlocks(laidOut, file.blockSamples);
  const laid = tables.reduce((sum, table) => sum + table.bytes, 0);
  return { file: file.file, day: file.day, bytes, tables, otherBytes: Math.max(0, bytes - laid), guessedBytes: guessed };
}

/** Blocks are samples. */
function joinBlocks(tables: readonly TableShare[], blockSamples: number): TableShare[] {
  const blocks = tables.find(({ table }) => table === SAMPLE_BLOCKS.name);
  const others = tables.filter((table) => table !== blocks);
  if (!blocks) return others;
  const rows = others.find(({ table }) => table === 'samples') ?? { table: 'samples', rows: 0, bytes: 0 };
  const samples = { table: 'samples', rows: rows.rows + blockSamples, bytes: rows.bytes + blocks.bytes };
  return [...others.filter((table) => table !== rows), samples];
}

/** Shares of files, measured again only when a file has another size or other blocks. */
export class ShareBook {
  private readonly known = new Map<string, { readonly bytes: number; readonly blockSamples: number; readonly shares: FileShares }>();
  /** @param read runs one statement over the attached file */
  async of(file: SharedFile, read: (sql: string) => Promise<readonly ShareRow[]>): Promise<FileShares> {
    const bytes = fileBytes(file.path);
    const known = this.known.get(file.path);
    if (known?.bytes === bytes && known.blockSamples === file.blockSamples) return known.shares;
    const shares = sharesOf(file, bytes, fileBytes(`${file.path}.wal`), await read(sharesSql(file)));
    this.known.set(file.path, { bytes, blockSamples: file.blockSamples, shares });
    return shares;
  }
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.known.keys()) if (!paths.has(path)) this.known.delete(path);
  }
}

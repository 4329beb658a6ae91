import type { QueryResult } from '#contracts/store.ts';
import { USUAL_ROW_BYTES, type VolumeFile } from '#contracts/volume.ts';
import { TELEMETRY } from '../sql/ddl/ddl.ts';
import { DICTIONARY_TABLES } from '../sql/ddl/dictionary-tables.ts';
import { SAMPLE_BLOCKS } from '../sql/ddl/sample-blocks.ts';
import { type Day, dayName } from '../write/day-of.ts';
import type { DayFiles } from './day-files.ts';
import { fileBytes } from './quarantine.ts';

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
  coalesce(l.rows, 0)::DOUBLE AS loose,
  (SELECT free_blocks * block_size FROM pragma_database_size() WHERE database_name = '${file.database}')::DOUBLE AS free FROM counted c LEFT JOIN loose l USING (name)`;
}

export interface ShareRow {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly loose: number;
  /** Of the whole file, the same in each row. */
  readonly free: number;
}
/** Lays the bytes of a file on its tables: blocks as measured, what is in the log by the usual size of its rows. */
export function sharesOf(
  file: Pick<SharedFile, 'file' | 'day' | 'blockSamples'>,
  bytes: number,
  logBytes: number,
  rows: readonly ShareRow[],
): VolumeFile {
  const weightOf = ({ name, loose }: ShareRow): number => loose * (USUAL_ROW_BYTES[name] ?? OTHER_ROW_BYTES);
  const weight = rows.reduce((sum, row) => sum + weightOf(row), 0);
  const measured = rows.reduce((sum, row) => sum + row.bytes, 0);
  const guessed = weight > 0 ? Math.min(logBytes, Math.max(0, bytes - measured)) : 0;
  const free = Math.min(rows[0]?.free ?? 0, Math.max(0, bytes - measured - guessed));
  const laidOut = rows.map((row) => ({
    table: row.name,
    rows: row.rows,
    bytes: row.bytes + (weight > 0 ? (guessed * weightOf(row)) / weight : 0),
  }));
  const tables = joinBlocks(laidOut, file.blockSamples);
  const laid = tables.reduce((sum, table) => sum + table.bytes, free);
  return { file: file.file, day: file.day, bytes, tables, freeBytes: free, otherBytes: Math.max(0, bytes - laid), guessedBytes: guessed };
}

/** Blocks are samples. */
function joinBlocks(tables: readonly VolumeFile['tables'][number][], blockSamples: number): VolumeFile['tables'][number][] {
  const blocks = tables.find(({ table }) => table === SAMPLE_BLOCKS.name);
  const others = tables.filter((table) => table !== blocks);
  if (!blocks) return others;
  const rows = others.find(({ table }) => table === 'samples') ?? { table: 'samples', rows: 0, bytes: 0 };
  const samples = { table: 'samples', rows: rows.rows + blockSamples, bytes: rows.bytes + blocks.bytes };
  return [...others.filter((table) => table !== rows), samples];
}

/** Shares of files, measured again only when a file has another size or other blocks. */
export class ShareBook {
  private readonly known = new Map<string, { readonly bytes: number; readonly blockSamples: number; readonly shares: VolumeFile }>();
  /** @param read runs one statement over the attached file */
  async of(file: SharedFile, read: (sql: string) => Promise<readonly ShareRow[]>): Promise<VolumeFile> {
    const bytes = fileBytes(file.path);
    const known = this.known.get(file.path);
    if (known?.bytes === bytes && known.blockSamples === file.blockSamples) return known.shares;
    const shares = sharesOf(file, bytes, fileBytes(`${file.path}.wal`), await read(sharesSql(file)));
    this.known.set(file.path, { bytes, blockSamples: file.blockSamples, shares });
    return shares;
  }
  /** Of the days from `first` to `last` and the catalog. @param read runs a statement; one that names a day brings its file back */
  async between(
    days: DayFiles,
    [first, last]: readonly [Day, Day],
    catalog: Pick<SharedFile, 'path' | 'database'>,
    read: (sql: string) => Promise<QueryResult>,
  ): Promise<VolumeFile[]> {
    const near = [...days.files.values()].filter(({ day }) => day >= first && day <= last).sort((a, b) => a.day - b.day);
    const found: VolumeFile[] = [];
    for (const { day, path, database, blockSamples } of near) {
      const name = dayName(day);
      const file = { file: `telemetry-${name}`, day: name, path, database, blockSamples };
      found.push(await this.of(file, async (sql) => (await read(`${sql} -- ${name}`)).rows() as unknown as ShareRow[]));
    }
    const file = { ...catalog, file: 'catalog', day: null, blockSamples: 0 };
    found.push(await this.of(file, async (sql) => (await read(sql)).rows() as unknown as ShareRow[]));
    this.keepOnly(new Set([...days.files.values()].map(({ path }) => path).concat(catalog.path)));
    return found;
  }
  private keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.known.keys()) if (!paths.has(path)) this.known.delete(path);
  }
}

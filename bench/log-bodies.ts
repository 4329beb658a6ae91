import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, Database, textLiteral } from '#store/database/database.ts';
import { seededRandom } from './payloads.ts';
import type { Row, Scenario } from './run.ts';

/** Public log lines with the templates people made of them (loghub-2k): the best that any miner of patterns could find. */
const LOGHUB = join(import.meta.dirname, '../../shared/data/loghub-2k');
const SYSTEMS = ['Android', 'Apache', 'HDFS', 'HPC', 'Hadoop', 'OpenSSH', 'Windows', 'Zookeeper'];
const ROW_GROUP = 122_880;
/** Between the variables of a line. */
const SEPARATOR = '\u001f';

/** Ways to store the bodies of logs: columns of a table and what a line is in them. */
const LAYOUTS: readonly { readonly name: string; readonly columns: string; readonly select: string; readonly order: string }[] = [
  { name: 'body, zstd (as it is)', columns: 'body VARCHAR USING COMPRESSION zstd', select: 'body', order: '' },
  {
    name: 'pattern + variables, zstd',
    columns: 'pattern INTEGER, variables VARCHAR USING COMPRESSION zstd',
    select: 'pattern, variables',
    order: '',
  },
  {
    name: 'the same by pattern',
    columns: 'pattern INTEGER, variables VARCHAR USING COMPRESSION zstd',
    select: 'pattern, variables',
    order: 'ORDER BY pattern',
  },
  {
    name: 'pattern + body, by pattern',
    columns: 'pattern INTEGER, body VARCHAR USING COMPRESSION zstd',
    select: 'pattern, body',
    order: 'ORDER BY pattern',
  },
];

interface Line {
  readonly body: string;
  readonly pattern: number;
  readonly variables: string;
}
/** Lines drawn from those of a system, each with other digits where its template has a variable: two thousand lines alone would repeat. */
function linesOf(known: readonly Record<string, unknown>[], count: number): Line[] {
  const random = seededRandom(7);
  const digits = (text: string): string => text.replaceAll(/[1-9]/g, () => String(1 + Math.floor(random() * 9)));
  const patterns = [...new Set(known.map(({ template }) => String(template)))];
  const tests = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern
          .split('<*>')
          .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
          .join(String.raw`([\s\S]*?)`)}$`,
      ),
  );
  return Array.from({ length: count }, () => {
    const { content, template } = known[Math.floor(random() * known.length)] as Record<string, unknown>;
    const pattern = patterns.indexOf(String(template));
    const found = tests[pattern]?.exec(String(content));
    if (!found) return { body: String(content), pattern: -1, variables: String(content) };
    const variables = found.slice(1).map(digits);
    let at = 0;
    return { body: String(template).replaceAll('<*>', () => variables[at++] ?? ''), pattern, variables: variables.join(SEPARATOR) };
  });
}
async function stored(connection: Connection, folder: string, layout: (typeof LAYOUTS)[number], count: number): Promise<string> {
  const file = join(folder, 'bodies.duckdb');
  rmSync(file, { force: true });
  await connection.run(`ATTACH ${textLiteral(file)} AS bodies (STORAGE_VERSION 'latest')`);
  try {
    await connection.run(`CREATE TABLE bodies.main.lines (${layout.columns})`);
    await connection.run('CHECKPOINT bodies');
    const before = statSync(file).size;
    const cpu = process.cpuUsage();
    await connection.run(`INSERT INTO bodies.main.lines SELECT ${layout.select} FROM lines ${layout.order}`);
    await connection.run('CHECKPOINT bodies');
    const { user, system } = process.cpuUsage(cpu);
    return `${((statSync(file).size - before) / count).toFixed(1)} B, ${((user + system) / count).toFixed(2)} us`;
  } finally {
    await connection.run('DETACH bodies');
  }
}
async function measure(systems: readonly string[]): Promise<Row[]> {
  const count = 2 * ROW_GROUP;
  const folder = mkdtempSync(join(tmpdir(), 'faultline-bodies-'));
  const database = await Database.open(folder, { threads: 1, memoryLimitBytes: 2 * 1024 ** 3 });
  const connection = await database.connect();
  try {
    const rows: Row[] = [];
    for (const system of systems) {
      const known = await connection.rows(`FROM read_csv(${textLiteral(join(LOGHUB, `${system}.csv`))}, all_varchar = true)`);
      const lines = linesOf(known, count);
      const json = join(folder, 'lines.json');
      writeFileSync(json, lines.map((line) => JSON.stringify(line)).join('\n'));
      await connection.run(
        `CREATE OR REPLACE TEMP TABLE lines AS FROM read_json(${textLiteral(json)}, columns = {body: 'VARCHAR', pattern: 'INTEGER', variables: 'VARCHAR'})`,
      );
      const bytes = lines.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
      const row: Record<string, string | number> = { system, 'bytes a line': Math.round(bytes / count) };
      for (const layout of LAYOUTS) row[layout.name] = await stored(connection, folder, layout, count);
      rows.push(row);
    }
    return rows;
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What logs as pattern + variables would save (decision 0010). */
export const logBodies: Scenario = {
  name: 'log-bodies',
  about: `bodies of ${2 * ROW_GROUP} lines a system at rest, and CPU of writing them; templates of loghub-2k, whose mining is not in it`,
  run: ({ quick }) => {
    if (!existsSync(LOGHUB)) throw new Error(`there is no ${LOGHUB}: the public log lines are needed`);
    return measure(quick ? SYSTEMS.slice(0, 2) : SYSTEMS);
  },
};

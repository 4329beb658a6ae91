/**
 * npm run bench [-- SCENARIO ...] [--quick]   Runs scenarios one after another and writes bench/results/NAME.json.
 * npm run bench -- ingest --only=traces/http,traces/grpc [--turns=3]   Some of its cases, in turns; writes nothing.
 * Rates are per CPU-second (user + system) of all our processes together; the load generator's CPU is not in them.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Row {
  readonly [column: string]: string | number;
}
export interface RunOptions {
  readonly quick: boolean;
  /** Names of cases; empty: all. */
  readonly only: readonly string[];
  readonly turns: number;
}
export interface Scenario {
  readonly name: string;
  readonly about: string;
  run(options: RunOptions): Promise<readonly Row[]>;
}
const SCENARIOS: Readonly<Record<string, () => Promise<Scenario>>> = {
  ingest: async () => (await import('./ingest.ts')).ingest,
  'remote-write': async () => (await import('./remote-write.ts')).remoteWrite,
  samples: async () => (await import('./samples.ts')).samples,
  promql: async () => (await import('./promql.ts')).promql,
  latency: async () => (await import('./latency.ts')).latency,
  fairness: async () => (await import('./fairness.ts')).fairness,
  start: async () => (await import('./start.ts')).start,
  visibility: async () => (await import('./visibility.ts')).visibility,
  recovery: async () => (await import('./recovery.ts')).recovery,
  rca: async () => (await import('./rca.ts')).rca,
  judgement: async () => (await import('./judgement.ts')).judgement,
  bills: async () => (await import('./bills.ts')).bills,
  memory: async () => (await import('./memory.ts')).memory,
  saturation: async () => (await import('./memory.ts')).saturation,
  llm: async () => (await import('./llm.ts')).llm,
  forward: async () => (await import('./forward.ts')).forward,
  'trace-page': async () => (await import('./trace-page.ts')).tracePage,
  'log-bodies': async () => (await import('./log-bodies.ts')).logBodies,
  replay: async () => (await import('./replay.ts')).replay,
  'log-list': async () => (await import('./log-list.ts')).logList,
};

function machine(): Record<string, string | number> {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return {
    commit,
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    load: readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '',
  };
}

export function printTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join('\n');
}

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const flagValue = (flag: string): string => args.find((arg) => arg.startsWith(`--${flag}=`))?.split('=')[1] ?? '';
const only = flagValue('only').split(',').filter(Boolean);
const turns = Number(flagValue('turns') || 1);
const wanted = args.filter((arg) => !arg.startsWith('--'));
const unknown = wanted.filter((name) => !SCENARIOS[name]);
if (unknown.length > 0) {
  process.stderr.write(`unknown scenario ${unknown.join(', ')}; there are ${Object.keys(SCENARIOS).join(', ')}\n`);
  process.exit(2);
}
const results = join(import.meta.dirname, 'results');
mkdirSync(results, { recursive: true });
for (const [name, load] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const scenario = await load();
  const facts = machine();
  const rows = await scenario.run({ quick, only, turns });
  if (only.length === 0 && turns === 1)
    writeFileSync(
      join(results, `${name}.json`),
      `${JSON.stringify({ scenario: name, about: scenario.about, machine: facts, rows }, null, 2)}\n`,
    );
  process.stdout.write(`\n## ${name}\n${scenario.about}\n${JSON.stringify(facts)}\n\n${printTable(rows)}\n`);
}

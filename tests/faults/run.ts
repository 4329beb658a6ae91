/**
 * npm run faults -- [--seed N] [--rounds N] [--only=kill,disk,...] [--short]
 * Runs every kind of fault against consoles it starts itself, on loopback and in temporary folders, and proves by ids of its own
 * that nothing acknowledged was lost, torn or doubled. See README.md. Exit code 0: all rounds clean; 1: not; 2: usage.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { treeOf } from '../app/faultline-process.ts';
import { type RoundReport, runRound, summaryOf } from './round.ts';
import { SCENARIOS } from './scenarios.ts';

const usage = (says: string): never => {
  process.stderr.write(
    `${says}\nusage: npm run faults -- [--seed N] [--rounds N] [--only=NAME,...] [--short]\n${SCENARIOS.map(({ name, about }) => `  ${name}: ${about}`).join('\n')}\n`,
  );
  process.exit(2);
};
function optionsOf(): { seed: number; rounds: number | null; only: readonly string[]; short: boolean } {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, rounds: { type: 'string' }, only: { type: 'string' }, short: { type: 'boolean' } },
  });
  const whole = (name: string, text: string | undefined): number | null => {
    if (text === undefined) return null;
    if (!/^\d{1,9}$/.test(text)) usage(`--${name} is "${text}", not a whole number`);
    return Number(text);
  };
  const only = (values.only ?? '').split(',').filter(Boolean);
  const unknown = only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) usage(`there is no ${unknown.join(', ')}`);
  return { seed: whole('seed', values.seed) ?? 1, rounds: whole('rounds', values.rounds), only, short: values.short === true };
}

const options = (() => {
  try {
    return optionsOf();
  } catch (error) {
    return usage((error as Error).message);
  }
})();
/** Consoles outlive who started them: interrupted, the harness takes them along. */
function interrupted(): never {
  for (const pid of treeOf(process.pid).slice(1).reverse()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  process.exit(130);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);

const reports: RoundReport[] = [];
const skipped: string[] = [];
const startedMs = performance.now();
for (const scenario of SCENARIOS) {
  if (options.only.length > 0 && !options.only.includes(scenario.name)) continue;
  const missing = scenario.missing?.() ?? null;
  if (missing !== null) {
    skipped.push(`${scenario.name}: ${missing}`);
    continue;
  }
  for (let i = 0; i < (options.rounds ?? scenario.rounds); i++) {
    const report = await runRound(scenario, options.seed + i, options.short);
    reports.push(report);
    process.stdout.write(`${summaryOf(report)}\n`);
    if (report.faults.length === 0) continue;
    const log = join(tmpdir(), `faultline-faults-${scenario.name}-${report.seed}.log`);
    writeFileSync(log, report.log);
    for (const fault of report.faults) process.stdout.write(`       ${fault}\n`);
    process.stdout.write(`       again: npm run faults -- --only=${scenario.name} --seed=${report.seed} --rounds=1   log: ${log}\n`);
  }
}
for (const why of skipped) process.stdout.write(`skipped ${why}\n`);
const sum = (of: (report: RoundReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
const failed = reports.filter(({ faults }) => faults.length > 0).length;
process.stdout.write(
  `${reports.length} rounds, ${sum(({ kills }) => kills)} kills, ${sum(({ verdict }) => verdict?.acknowledged ?? 0)} requests acknowledged: ` +
    `lost ${sum(({ verdict }) => verdict?.lost.length ?? 0)}, partial ${sum(({ verdict }) => verdict?.partial.length ?? 0)}, ` +
    `doubled ${sum(({ verdict }) => verdict?.doubled.length ?? 0)}, sender's repeats ${sum(({ verdict }) => verdict?.repeats ?? 0)}; ` +
    `${failed} rounds failed, ${skipped.length} kinds skipped; ${((performance.now() - startedMs) / 60_000).toFixed(1)} min\n`,
);
process.exit(failed === 0 && reports.length > 0 ? 0 : 1);

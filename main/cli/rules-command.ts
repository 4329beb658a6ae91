import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import { globRules, loadRules, printProblems } from '#main/rules/load-rules.ts';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { readTests } from '#query/rules/read-tests.ts';
import type { Rule, RuleFile, RuleGroup } from '#query/rules/rule.ts';
import { runTests } from '#query/rules/run-tests.ts';
import { printFaults } from '#query/rules/yaml-decoder.ts';

export interface RulesCheckFlags {
  readonly ignoreUnknownFields?: boolean;
  readonly lintFatal?: boolean;
}
export interface RulesTestFlags {
  readonly ignoreUnknownFields?: boolean;
  readonly run?: string[];
}
const out = (line: string): void => void process.stdout.write(`${line}\n`);
const talk = (line: string): void => void process.stderr.write(`${line}\n`);

/** `faultline rules check`: as `promtool check rules` says it. @returns 1 when a file is not as it must be */
export function checkRules(files: readonly string[], flags: RulesCheckFlags): number {
  let failed = false;
  for (const file of files) {
    out(`Checking ${file}`);
    const read = loadRules(file, { ignoreUnknown: flags.ignoreUnknownFields === true });
    const count = read.groups.reduce((sum, { rules }) => sum + rules.length, 0);
    const lint = read.problems.length === 0 ? lintRules(read) : '';
    if (read.problems.length > 0) {
      talk(`  FAILED:\n${printProblems(file, read).join('\n')}`);
      if (count > 0) talk(`  the other ${count} rules of the file are good`);
      failed = true;
    } else if (lint !== '') {
      talk(`  FAILED:\n${lint}`);
      failed ||= flags.lintFatal === true;
    } else out(`  SUCCESS: ${count} rules found`);
    out('');
  }
  return failed ? 1 : 0;
}
/** Rules that write the same series, which is allowed and rarely meant; '': none. */
function lintRules({ groups }: RuleFile): string {
  const all = groups.flatMap(({ rules }) => rules);
  const key = ({ name, labels }: Rule): string => JSON.stringify([name, [...labels].sort()]);
  const seen = new Map<string, Rule[]>();
  for (const rule of all) seen.set(key(rule), [...(seen.get(key(rule)) ?? []), rule]);
  const twice = [...seen.values()].flatMap((rules) => rules.slice(1));
  if (twice.length === 0) return '';
  const lines = twice
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map(({ name, labels }) => `Metric: ${name}\nLabel(s):\n${[...labels].map(([label, value]) => `\t${label}: ${value}\n`).join('')}`);
  return `lint error ${twice.length} duplicate rule(s) found.\n${lines.join('')}Might cause inconsistency while recording expressions`;
}

/** `faultline rules test`: as `promtool test rules`. @returns 1 when a test fails */
export async function testRules(files: readonly string[], flags: RulesTestFlags): Promise<number> {
  let failed = false;
  for (const file of files) {
    out(`Unit Testing:  ${file}`);
    const failures = await testFile(file, flags);
    if (failures.length === 0) out('  SUCCESS');
    else {
      failed = true;
      talk('  FAILED:');
      for (const failure of failures) talk(failure);
    }
    out('');
  }
  return failed ? 1 : 0;
}
function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new FaultlineError('bad_request', `--run: ${(error as Error).message}`);
  }
}
async function testFile(file: string, flags: RulesTestFlags): Promise<string[]> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return [(error as Error).message];
  }
  const tests = readTests(parseYaml(text));
  if (tests.faults.length > 0) return [printFaults(tests.faults)];
  const groups: RuleGroup[] = [];
  for (const pattern of tests.ruleFiles) {
    const found = globRules(pattern, dirname(file));
    if (found.length === 0) talk(`  WARNING: no file match pattern ${pattern}`);
    for (const each of found) {
      const read = loadRules(each, { ignoreUnknown: flags.ignoreUnknownFields === true });
      if (read.problems.length > 0) return printProblems(each, read);
      groups.push(...read.groups);
    }
  }
  const patterns = (flags.run ?? []).map(patternOf);
  return runTests(tests, groups, (name) => patterns.length === 0 || patterns.some((pattern) => pattern.test(name)));
}

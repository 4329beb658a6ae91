import { globSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { type ReadOptions, readRules } from '#query/rules/read-rules.ts';
import type { RuleFile } from '#query/rules/rule.ts';
import { parseYaml } from './parse-yaml.ts';

/** A rule file; a file that cannot be read is one with a problem. */
export function loadRules(file: string, options: ReadOptions = {}): RuleFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    return { groups: [], problems: [{ line: 0, column: 0, message, group: '', rule: 0, name: '', isShape: false }] };
  }
  return readRules(parseYaml(text), file, options);
}
/** What is wrong with a file, as promtool says it: what is not of its shape first, and alone. */
export function printProblems(file: string, { problems }: RuleFile): string[] {
  const shape = problems.filter(({ isShape }) => isShape);
  if (shape.length === 0) return problems.map(({ message }) => `${file}: ${message}`);
  const lines = [...shape].sort((a, b) => a.line - b.line).map(({ message }) => `  ${message}`);
  return [`${file}: yaml: unmarshal errors:\n${lines.join('\n')}`];
}
/** Files a pattern names, in order; relative ones from `folder`. */
export function globRules(pattern: string, folder: string): string[] {
  const path = isAbsolute(pattern) ? pattern : join(folder, pattern);
  return globSync(path).sort();
}

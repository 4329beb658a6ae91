import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePromql } from './parser.ts';
import { PromqlError } from './token.ts';

const data = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'promql');
interface ParseCase {
  readonly input: string;
  readonly fail: boolean;
  readonly error?: string;
  readonly errorPos?: readonly [number, number];
}
const said = (input: string): string => {
  try {
    parsePromql(input);
    return 'parsed';
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    return `${error.range.start}-${error.range.end} ${error.message}`;
  }
};
describe.skipIf(!existsSync(data))("Prometheus' own cases (skipped without ../shared/data)", () => {
  const cases = existsSync(data) ? (JSON.parse(readFileSync(join(data, 'parser/parse_test.json'), 'utf8')) as ParseCase[]) : [];
  it.each(cases.map((one, i) => [i, one.input.slice(0, 60), one] as const))('%i: %s', (_i, _input, { input, fail, error, errorPos }) => {
    expect(said(input)).toBe(fail ? `${errorPos?.[0]}-${errorPos?.[1]} ${error}` : 'parsed');
  });
  it('every expression of the evaluation scripts is read', () => {
    const folder = join(data, 'promqltest-3.14');
    const refused: string[] = [];
    let count = 0;
    for (const file of readdirSync(folder)) {
      const lines = readFileSync(join(folder, file), 'utf8').split('\n');
      lines.forEach((line, i) => {
        const found = /^eval(?:_\w+)? (?:instant(?: at \S+)?|range from \S+ to \S+ step \S+) (.*)$/.exec(line);
        if (!found || line.startsWith('eval_fail') || /expect fail/.test(lines.slice(i + 1, i + 3).join('\n'))) return;
        count++;
        const answer = said(found[1] as string);
        if (answer !== 'parsed') refused.push(`${file}:${i + 1} ${found[1]}: ${answer}`);
      });
    }
    expect(count).toBeGreaterThan(2_000);
    expect(refused).toEqual([]);
  });
});

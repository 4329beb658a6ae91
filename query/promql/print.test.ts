import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePromql } from './parser.ts';
import { formatPromql, printPromql } from './print.ts';

const folder = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'promql/parser');
const casesOf = (file: string): { in: string; out: string }[] =>
  existsSync(folder) ? (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { in: string; out: string }[]) : [];
/** Prometheus' own tests break lines of more than ten characters. */
const NARROW = 10;

describe.skipIf(!existsSync(folder))("Prometheus' own cases (skipped without ../shared/data)", () => {
  it.each(casesOf('printer_test.json').map((one) => [one.in, one.out] as const))('%s on one line', (input, wanted) => {
    expect(printPromql(parsePromql(input))).toBe(wanted);
  });
  it.each(casesOf('prettier_test.json').map((one) => [one.in, one.out] as const))('%s broken', (input, wanted) => {
    expect(formatPromql(parsePromql(input), NARROW)).toBe(wanted);
  });
});

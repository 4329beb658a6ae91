import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript } from './run-script.ts';

/** Prometheus 3.14's own evaluation scripts. What waits for native histograms, start times and info() is skipped, and counted. */
const folder = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data'), 'promql/promqltest-3.14');
/** Evaluations that give what they must. More is better; fewer is a step back. */
const PASSED = 1_199;
describe.skipIf(!existsSync(folder))("Prometheus' evaluations (skipped without ../shared/data)", () => {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.test')) : [];
  let passed = 0;
  it.each(files)('%s', (file) => {
    const outcomes = runScript(readFileSync(join(folder, file), 'utf8'));
    expect(outcomes.filter(({ state }) => state === 'failed').map(({ line, expr, why }) => `${line}: ${expr}: ${why}`)).toEqual([]);
    passed += outcomes.filter(({ state }) => state === 'passed').length;
  });
  it(`${PASSED} in all`, () => {
    expect(passed).toBeGreaterThanOrEqual(PASSED);
  });
});

// npm run check: types × 3, layers, lint, generated files. Two at a time: under a minute on two cores.
import { resolve } from 'node:path';
import { checks } from './checks.mjs';
import { runStep } from './run-step.mjs';

/** Runs all checks, `lanes` at a time; prints what fails. @returns {Promise<{ name: string, ok: boolean }[]>} */
export async function runChecks(root, node, lanes = 2) {
  const waiting = checks(root);
  const results = [];
  const work = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const { status, said, seconds } = await runStep(node, check.args, { cwd: root });
      const ok = status === 0;
      results.push({ name: check.name, ok });
      console.error(`${ok ? 'ok    ' : 'FAILED'} ${check.name} (${seconds.toFixed(1)} s)${ok ? '' : `\n${said.trimEnd()}`}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  return results;
}
if (process.argv[1] === import.meta.filename) {
  const results = await runChecks(resolve(import.meta.dirname, '..'), process.execPath);
  process.exit(results.every(({ ok }) => ok) ? 0 : 1);
}

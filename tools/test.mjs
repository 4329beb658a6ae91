// npm test [-- PROJECT...] [--require-ui]: installs, builds, checks, runs unit, app, browser tests and a seeded slice of the fuzzing.
// The last line is "N passed, N failed, N skipped"; a check counts as one test. Runs under plain Node 20.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runChecks } from './check.mjs';
import { buildStale, installMissing, nodeFor } from './prepare.mjs';
import { runStep } from './run-step.mjs';
import { addReports, lastLine, readReport } from './test-report.mjs';

const root = resolve(import.meta.dirname, '..');
const reports = join(root, 'out/test');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PROJECTS = ['unit', 'app', 'ui', 'fuzz'];
/** Cases of each fuzz test here; `npm run fuzz` runs them all. */
const FAULTLINE_FUZZ_CASES = '5000';

const testFilesOf = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .filter((name) => String(name).endsWith('.test.ts'))
        .map(String)
    : [];
function chromium() {
  return process.env.CHROMIUM ?? CHROMIUM.find((path) => existsSync(path)) ?? null;
}
/** The browser tests without a browser: each file is named, none counts as passed. */
function withoutBrowser(required) {
  const reason = 'there is no Chromium here: apt-get install chromium, or set CHROMIUM to its path';
  const files = testFilesOf(join(root, 'tests/ui')).map((file) => `ui: tests/ui/${file}`);
  if (required) return { passed: 0, failed: [`ui: ${reason}`], skipped: [] };
  return { passed: 0, failed: [], skipped: files.map((name) => ({ name, reason })) };
}
async function runProject(node, project, required) {
  if (project === 'ui' && !chromium()) return withoutBrowser(required);
  const file = join(reports, `${project}.json`);
  rmSync(file, { force: true });
  const args = ['run', '--project', project, '--passWithNoTests', '--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
  const environment = {
    ...process.env,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    ...(project === 'fuzz' ? { FAULTLINE_FUZZ_CASES } : {}),
    ...(chromium() ? { CHROMIUM: chromium() } : {}),
  };
  const { status, said, seconds } = await runStep(node, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: root,
    environment,
  });
  const report = existsSync(file) ? readReport(project, JSON.parse(readFileSync(file, 'utf8'))) : { passed: 0, failed: [], skipped: [] };
  // Vitest also fails for errors outside of any test, or may die without a report.
  if (status !== 0 && report.failed.length === 0) report.failed.push(`${project}: the run ended with ${status}`);
  if (required && project === 'ui' && report.passed === 0) report.failed.push('ui: no browser test ran');
  console.error(`${report.failed.length === 0 ? 'ok    ' : 'FAILED'} ${project}: ${lastLine(report)} (${seconds.toFixed(1)} s)`);
  if (report.failed.length > 0) console.error(said.trimEnd());
  return report;
}
function conclude(report) {
  for (const name of report.failed) console.log(`failed: ${name}`);
  for (const { name, reason } of report.skipped) console.log(`skipped: ${name}: ${reason}`);
  console.log(lastLine(report));
  return report.failed.length === 0 ? 0 : 1;
}
async function main(args) {
  const failedAt = (name) => conclude({ passed: 0, failed: [name], skipped: [] });
  if (!installMissing(root)) return failedAt('install');
  const node = nodeFor(root);
  if (!node) return failedAt('Node');
  mkdirSync(reports, { recursive: true });
  let total = { passed: 0, failed: [], skipped: [] };
  // Types of the page include what its build generates: build first. A failed build still lets the rest be told.
  const built = buildStale(root, node);
  total = addReports(total, { passed: built ? 1 : 0, failed: built ? [] : ['build'], skipped: [] });
  for (const { name, ok } of await runChecks(root, node))
    total = addReports(total, { passed: ok ? 1 : 0, failed: ok ? [] : [name], skipped: [] });
  const required = args.includes('--require-ui');
  const named = args.filter((arg) => PROJECTS.includes(arg));
  for (const project of named.length > 0 ? named : PROJECTS) total = addReports(total, await runProject(node, project, required));
  return conclude(total);
}
process.exit(await main(process.argv.slice(2)));

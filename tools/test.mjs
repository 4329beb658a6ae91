// npm test [-- PROJECT...] [--require-ui]: installs, builds, checks, runs unit, app, browser tests and a seeded slice of the fuzzing.
// The last line is "N passed, N failed, N skipped"; a check counts as one test. Runs under plain Node 20.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { runChecks } from './check.mjs';
import { buildStale, installMissing, nodeFor } from './prepare.mjs';
import { runStep } from './run-step.mjs';
import { addReports, lastLine, readReport } from './test-report.mjs';

const root = resolve(import.meta.dirname, '..');
const reports = join(root, 'out/test');
/** The shell without a window first: the same engine, a third less of a processor for what the tests look at. */
const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PROJECTS = ['unit', 'app', 'ui', 'fuzz'];
/** Cases of each fuzz test here; `npm run fuzz` runs them all. */
const FAULTLINE_FUZZ_CASES = '250';

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
const projectOf = (file) => /^tests\/(ui|fuzz)\//.exec(file)?.[1] ?? (/^tests\/(app|desktop|faults)\//.test(file) ? 'app' : 'unit');

/** All projects in one run: two files at a time, whichever they belong to, so that no project's longest file is waited for alone. */
async function runProjects(node, wanted, required) {
  const projects = wanted.filter((project) => project !== 'ui' || chromium());
  let total = projects.length < wanted.length ? withoutBrowser(required) : { passed: 0, failed: [], skipped: [] };
  const file = join(reports, 'vitest.json');
  rmSync(file, { force: true });
  const args = ['run', ...projects.flatMap((name) => ['--project', name]), '--passWithNoTests', '--reporter=dot', '--reporter=json'];
  const environment = {
    ...process.env,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    FAULTLINE_FUZZ_CASES,
    ...(chromium() ? { CHROMIUM: chromium() } : {}),
  };
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), ...args, `--outputFile.json=${file}`];
  const { status, said, seconds } = await runStep(node, vitest, { cwd: root, environment });
  const { testResults = [], ...rest } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const failedBefore = total.failed.length;
  for (const project of projects) {
    const own = testResults.filter(({ name }) => projectOf(relative(root, name).replaceAll('\\', '/')) === project);
    const report = readReport(project, { ...rest, testResults: own });
    if (required && project === 'ui' && report.passed === 0) report.failed.push('ui: no browser test ran');
    console.error(`${report.failed.length === 0 ? 'ok    ' : 'FAILED'} ${project}: ${lastLine(report)}`);
    total = addReports(total, report);
  }
  // Vitest also fails for errors outside of any test, or may die without a report.
  if (status !== 0 && total.failed.length === failedBefore) total.failed.push(`tests: the run ended with ${status}`);
  console.error(`tests took ${seconds.toFixed(1)} s`);
  if (status !== 0) console.error(said.trimEnd());
  return total;
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
  const required = args.includes('--require-ui');
  const named = args.filter((arg) => PROJECTS.includes(arg));
  // Tests wait for processes, timers and pages a quarter of their time: the checks, one at a time, have it.
  const [checked, tested] = await Promise.all([runChecks(root, node, 1), runProjects(node, named.length > 0 ? named : PROJECTS, required)]);
  for (const { name, ok } of checked) total = addReports(total, { passed: ok ? 1 : 0, failed: ok ? [] : [name], skipped: [] });
  total = addReports(total, tested);
  return conclude(total);
}
process.exit(await main(process.argv.slice(2)));

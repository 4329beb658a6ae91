// npm test: installs, builds, type-checks, checks layers, lints, runs every suite. Runs on Node 20.
// Last line: "N passed, N failed, N skipped"; every skip is named with its reason before it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureInstalled } from './ensure-installed.mjs';
import { pinnedNode, root } from './pinned-node.mjs';

ensureInstalled();
const node = pinnedNode();
if (!node) {
  console.error('No Node 24 for this platform came with the packages: install Node 24 and run npm test again.');
  process.exit(1);
}
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);
const wanted = process.argv.slice(2);
const results = { passed: 0, failed: 0, skipped: [] };

function step(name, args) {
  const startedMs = Date.now();
  const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
  if (status === 0) results.passed++;
  else results.failed++;
  return status === 0;
}

/** "(skipped without X)" in a suite's or test's title is its reason. */
const reasonOf = (title) => /\(skipped (.*?)\)/.exec(title)?.[1] ?? 'the test says so itself';

function suite(project) {
  const startedMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'faultline-test-'));
  const report = join(folder, 'report.json');
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    '--passWithNoTests',
  ];
  const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...(CHROMIUM ? { CHROMIUM } : {}) } });
  let failed = 0;
  if (existsSync(report)) {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const file of testResults) {
      if (file.status === 'failed' && file.assertionResults.length === 0) failed++;
      for (const test of file.assertionResults) {
        if (test.status === 'passed') results.passed++;
        else if (test.status === 'failed') failed++;
        else results.skipped.push(`${relative(root, file.name)}: ${test.fullName}: ${reasonOf(test.fullName)}`);
      }
    }
  }
  // A crash outside any test (an unhandled rejection, a worker that died) is a failure too.
  if (status !== 0 && failed === 0) failed = 1;
  results.failed += failed;
  rmSync(folder, { recursive: true, force: true });
  console.log(`${failed === 0 ? 'ok    ' : 'FAILED'} ${project} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
}

const startedMs = Date.now();
const all = wanted.length === 0;
let built = true;
if (all || wanted.includes('build')) built = step('build', ['tools/build.mjs']);
if (all || wanted.includes('check')) step('check', ['tools/check.mjs']);
for (const project of ['unit', 'fuzz', 'app', 'ui']) {
  if (!all && !wanted.includes(project)) continue;
  if (project === 'ui' && !CHROMIUM)
    results.skipped.push('ui: all browser tests: there is no Chromium (apt-get install chromium, or set CHROMIUM)');
  else if ((project === 'ui' || project === 'app') && !built) console.log(`not run: ${project}: the build failed`);
  else suite(project);
}
console.log(`\n${((Date.now() - startedMs) / 1000).toFixed(0)} s in all`);
for (const line of results.skipped) console.log(`skipped: ${line}`);
console.log(`${results.passed} passed, ${results.failed} failed, ${results.skipped.length} skipped`);
process.exitCode = results.failed > 0 ? 1 : 0;

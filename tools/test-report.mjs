/** What one Vitest JSON report says, in the words of our last line. */
export function readReport(project, report) {
  const skipped = [];
  const failed = [];
  let passed = 0;
  for (const file of report.testResults) {
    // A file that does not even load has no tests: it must not look like nothing.
    if (file.status === 'failed' && file.assertionResults.length === 0) failed.push(`${project}: ${file.name}: ${file.message}`);
    for (const test of file.assertionResults) {
      const name = [...test.ancestorTitles, test.title].join(' > ');
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failed.push(`${project}: ${name}`);
      else skipped.push({ name: `${project}: ${name}`, reason: reasonOf(name, test) });
    }
  }
  return { passed, failed, skipped };
}
/** A skipped test carries its reason in its name or its suite's: "... (skipped without Prometheus)". */
function reasonOf(name, test) {
  const note = test.meta?.skipReason ?? test.note;
  return note ?? /\(skipped ([^)]*)\)/.exec(name)?.[1] ?? 'no reason in its name';
}
/** "N passed, N failed, N skipped". */
export const lastLine = ({ passed, failed, skipped }) => `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
export const addReports = (a, b) => ({
  passed: a.passed + b.passed,
  failed: [...a.failed, ...b.failed],
  skipped: [...a.skipped, ...b.skipped],
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRules, printProblems } from '#main/rules/load-rules.ts';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { readTests } from '#query/rules/read-tests.ts';
import { runTests } from '#query/rules/run-tests.ts';
import { generateCase } from './generate-rules.ts';
import { hasPromtool, promtool } from './promtool.ts';

/** Rules against Debian's promtool (2.42): generated ones in all their output, shared ones in their verdict and words. */
const SEEDS = Number(process.env['FAULTLINE_RULE_SEEDS'] ?? 12);
const FIRST = Number(process.env['FAULTLINE_RULE_FIRST'] ?? 1);
const shared = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data'), 'rules');
const folder = mkdtempSync(join(tmpdir(), 'faultline-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ours(rules: string, tests: string): Promise<string> {
  const file = join(folder, 'rules.yml');
  writeFileSync(file, rules);
  const read = loadRules(file);
  const failures = read.problems.length > 0 ? printProblems('rules.yml', read) : await runTests(readTests(parseYaml(tests)), read.groups);
  return failures.join('\n');
}
describe.skipIf(!hasPromtool)('generated rules fire as in Prometheus (skipped without promtool)', () => {
  let said = 0;
  it.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))('seed %i', async (seed) => {
    const { rules, tests } = generateCase(seed);
    const own = await ours(rules, tests);
    writeFileSync(join(folder, 'tests.yml'), tests);
    const { stderr } = promtool(['test', 'rules', 'tests.yml'], folder);
    expect(own).toBe(stderr.replace(/^ {2}FAILED:\n/, '').trimEnd());
    said += own === '' ? 0 : 1;
  });
  it('and most of them do something', () => expect(said).toBeGreaterThan(SEEDS / 2));
});

/** Where Prometheus 3, which ours follows, takes what 2.42 refuses: any UTF-8 as a name, and new functions, modifiers and durations. */
const ONLY_3 = ['legacy_validation_annotation.bad.yaml', 'utf-8_annotation.good.yaml', 'utf-8_lname.good.yaml', 'features.yml'];
/** The words without places: 2.42 has none for labels and templates, and 0:0 for what is not there. */
const bare = (text: string): string =>
  text
    .replace(/^(\S+: )(?:\d+:\d+: )+/gm, '$1')
    .replaceAll('rulefmt.RuleNode', 'rulefmt.Rule')
    .replace(
      /^(\S+: group .*): braces present in the recording rule name; should it be in expr\?: /gm,
      '$1: invalid recording rule name: ',
    );
const files = existsSync(shared)
  ? ['rulefmt', 'promtool'].flatMap((each) =>
      readdirSync(join(shared, each))
        .filter((name) => /\.ya?ml$/.test(name) && !/sd-file|large/.test(name))
        .map((name) => join(each, name)),
    )
  : [];
describe.skipIf(!hasPromtool || files.length === 0)(
  'shared rule files are taken or refused as by promtool (skipped without ../shared/data)',
  () => {
    // One call for all: it goes on after a bad file.
    const said = hasPromtool && files.length > 0 ? promtool(['check', 'rules', ...files], shared) : null;
    it.each(files.filter((file) => !ONLY_3.some((each) => file.endsWith(each))))('%s', (file) => {
      const read = loadRules(join(shared, file));
      const own = printProblems(file, read).join('\n');
      const theirs = (said?.stderr ?? '')
        .split(/^ {2}FAILED:\n/m)
        .filter((each) => each.startsWith(`${file}: `))
        .join('')
        .trimEnd();
      expect(bare(own)).toBe(bare(theirs));
    });
    it.each(ONLY_3)('Prometheus 3 takes %s', (name) => {
      const file = files.find((each) => each.endsWith(name)) as string;
      expect(loadRules(join(shared, file)).problems).toEqual([]);
    });
  },
);
/** What each of promtool's own test files must say in Prometheus 3. */
const VERDICTS: Readonly<Record<string, string>> = {
  'rules_run.yml': 'exp: {__name__="test"} 1E+00\n        got: {__name__="test"} 0E+00',
  'rules_run_fuzzy.yml': '3.0000000000000013E+00',
  'rules_run_no_fuzzy.yml': '3.0000000000000004E+00',
  'failing.yml': 'alertname: AlwaysFiring, time: 5m, \n        exp:[], \n        got:[',
  'bad-promql.yml': 'many-to-many matching not allowed',
  'bad-input-series.yml': '1:47: parse error: unexpected end of input inside braces',
  'bad-rules-error-test.yml': '    rule: joined, time: 0s, err: found duplicate series',
  'bad-rules-syntax-test.yml':
    '7:15: group "bad-syntax", rule 1, "x": could not parse expression: 1:7: parse error: unexpected end of input',
  'long-period.yml': '',
  'no-test-group-interval.yml': '',
  'at-modifier-test.yml': '',
  'negative-offset-test.yml': '',
  'start-time-test.yml': '',
  'unittest.yml': '',
};
describe.skipIf(files.length === 0)("promtool's own test files (skipped without ../shared/data)", () => {
  it.each(Object.entries(VERDICTS))('%s', async (name, says) => {
    const test = readTests(parseYaml(readFileSync(join(shared, 'promtool', name), 'utf8')));
    const read = test.ruleFiles.map((file) => loadRules(join(shared, 'promtool', file)));
    const problems = read.flatMap((each, i) => printProblems(test.ruleFiles[i] as string, each));
    const groups = read.flatMap((each) => each.groups);
    const said = problems.length > 0 ? problems : await runTests(test, groups);
    if (says === '') expect(said).toEqual([]);
    else expect(said.join('\n')).toContain(says);
  });
});

/** A machine whose disk is nearly full and whose clock is off, as node-exporter tells it. */
const MACHINE = `
rule_files: []
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'up{job="node-exporter",instance="n1"}', values: '1x90'}
  - {series: 'node_filesystem_avail_bytes{job="node-exporter",instance="n1",device="sda1",mountpoint="/",fstype="ext4"}', values: '2e9x90'}
  - {series: 'node_filesystem_size_bytes{job="node-exporter",instance="n1",device="sda1",mountpoint="/",fstype="ext4"}', values: '100e9x90'}
  - {series: 'node_filesystem_readonly{job="node-exporter",instance="n1",device="sda1",mountpoint="/",fstype="ext4"}', values: '0x90'}
  - {series: 'node_cpu_seconds_total{job="node-exporter",instance="n1",cpu="0",mode="idle"}', values: '0+6x90'}
  - {series: 'node_cpu_seconds_total{job="node-exporter",instance="n1",cpu="0",mode="user"}', values: '0+54x90'}
  alert_rule_test:
  - eval_time: 1h
    alertname: NodeFilesystemAlmostOutOfSpace
    exp_alerts:
    - exp_labels: {severity: critical, instance: n1, job: node-exporter, device: sda1, mountpoint: /, fstype: ext4}
      exp_annotations:
        description: Filesystem on sda1, mounted on /, at n1 has only 2.00% available space left.
        runbook_url: https://runbooks.prometheus-operator.dev/runbooks/node/nodefilesystemalmostoutofspace
        summary: Filesystem has less than 3% space left.
    - exp_labels: {severity: warning, instance: n1, job: node-exporter, device: sda1, mountpoint: /, fstype: ext4}
      exp_annotations:
        description: Filesystem on sda1, mounted on /, at n1 has only 2.00% available space left.
        runbook_url: https://runbooks.prometheus-operator.dev/runbooks/node/nodefilesystemalmostoutofspace
        summary: Filesystem has less than 5% space left.
  promql_expr_test:
  - expr: 'instance:node_cpu_utilisation:rate5m'
    eval_time: 1h
    exp_samples:
    - {labels: 'instance:node_cpu_utilisation:rate5m{instance="n1",job="node-exporter"}', value: 0.9}
`;
const packs = existsSync(shared) ? readdirSync(shared).filter((name) => name.endsWith('-prometheusRule.yaml')) : [];
describe.skipIf(packs.length === 0)(
  'stock packs of kube-prometheus load and are evaluated unchanged (skipped without ../shared/data)',
  () => {
    it.each(packs)('%s', async (name) => {
      const { groups, problems } = loadRules(join(shared, name));
      expect(problems).toEqual([]);
      expect(groups.flatMap(({ rules }) => rules).length).toBeGreaterThan(5);
      const said = await runTests({ ...readTests(parseYaml(MACHINE)), isFuzzy: true }, groups);
      const isOfNodes = name.startsWith('nodeExporter');
      expect(said.filter((each) => isOfNodes || each.includes('rule: '))).toEqual([]);
    });
  },
);

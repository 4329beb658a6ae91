import { describe, expect, it } from 'vitest';
import { readRules } from '#query/rules/read-rules.ts';
import { parseYaml } from './parse-yaml.ts';

const read = (text: string) => readRules(parseYaml(text), 'rules.yml');
const messages = (text: string): string[] => read(text).problems.map(({ message }) => message);
const group = (...lines: string[]): string => `groups:\n- name: g\n  rules:\n${lines.map((line) => `  ${line}\n`).join('')}`;

describe('a rule file', () => {
  it('is read with all there is', () => {
    const { groups, problems } = read(`
groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 10
  labels: {team: a, severity: low}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1h30m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.instance }} is down', plain: text}
`);
    expect(problems).toEqual([]);
    expect(groups).toMatchObject([{ name: 'g', file: 'rules.yml', intervalMs: 30_000, queryOffsetMs: 60_000, limit: 10 }]);
    expect(groups[0]?.rules).toMatchObject([
      { kind: 'recording', name: 'job:up:sum', labels: new Map(Object.entries({ team: 'a', severity: 'low' })), line: 9 },
      { kind: 'alerting', forMs: 300_000, keepFiringForMs: 5_400_000, labels: new Map(Object.entries({ team: 'a', severity: 'page' })) },
    ]);
    const alert = groups[0]?.rules[1];
    expect(alert?.kind === 'alerting' && [...alert.templates.keys()]).toEqual(['{{ $labels.instance }} is down']);
  });
  it.each([
    ['an unknown key', group('- alert: a', '  expr: 1', '  annotation: {}'), 6, 5],
    ['a bad duration', group('- alert: a', '  expr: 1', '  for: 5'), 6, 10],
    ['a number as groups', 'groups: 5', 1, 9],
    ['a key twice', ' groups: []\n groups: []', 2, 2],
    ['no YAML', 'groups: [', 1, 10],
  ])('tells at which column what is not of its shape stands: %s', (_, text, line, column) => {
    expect(read(text).problems[0]).toMatchObject({ line, column, isShape: true });
  });
  it.each<[string, string, string[]]>([
    ['no name or record', group('- expr: 1'), ['4:5: group "g", rule 1, "": one of \'record\' or \'alert\' must be set']],
    [
      'both',
      group('- record: a', '  alert: b', '  expr: 1'),
      ['4:13: 5:12: group "g", rule 1, "b": only one of \'record\' and \'alert\' must be set'],
    ],
    ['no expression', group('- record: a'), ['4:5: group "g", rule 1, "a": field \'expr\' must be set in rule']],
    [
      'a bad expression',
      group('- record: a', '  expr: |', '    sum(', '    rate(x'),
      ['5:11: group "g", rule 1, "a": could not parse expression: 3:1: parse error: unclosed left parenthesis'],
    ],
    [
      'for in a recording rule',
      group('- record: a', '  expr: 1', '  for: 1m'),
      ['4:13: group "g", rule 1, "a": invalid field \'for\' in recording rule'],
    ],
    ['a bad duration', group('- alert: a', '  expr: 1', '  for: 5'), ['line 6: not a valid duration string: "5"']],
    ['an unknown key', group('- alert: a', '  expr: 1', '  annotation: {}'), ['line 6: field annotation not found in type rulefmt.Rule']],
    [
      'a list as a text',
      group('- alert: [a]', '  expr: 1'),
      ['line 4: cannot unmarshal !!seq into string', expect.stringContaining('must be set') as unknown as string],
    ],
    ['a number as groups', 'groups: 5', ['line 1: cannot unmarshal !!int `5` into []rulefmt.RuleGroup']],
    ['a key twice', 'groups: []\ngroups: []', ['line 2: mapping key "groups" already defined at line 1']],
    ['no YAML', 'groups: [', [expect.stringMatching(/^line 1: /) as unknown as string]],
    ['a group twice', 'groups:\n- name: a\n- name: a', ['3:3: groupname: "a" is repeated in the same file']],
    ['a group without a name', 'groups:\n- rules: []', ['2:3: Groupname must not be empty']],
    ['an unknown anchor', 'groups: *x', [expect.stringMatching(/^line 1: .*x/) as unknown as string]],
  ])('says where: %s', (_, text, wanted) => expect(messages(text)).toEqual(wanted));

  it('with one bad rule has the others', () => {
    const { groups, problems } = read(group('- record: a', '  expr: 1', '- record: b', '  expr: 1 +', '- alert: c', '  expr: 2'));
    expect(groups[0]?.rules.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(problems).toMatchObject([{ line: 7, group: 'g', rule: 2, name: 'b' }]);
  });
  it('may be empty', () => expect(read('')).toEqual({ groups: [], problems: [] }));
  it('has aliases and merge keys', () => {
    const text = group('- &a', '  alert: A', '  expr: &e up', '- <<: *a', '  alert: B', '- record: c', '  expr: *e');
    expect(read(text).groups[0]?.rules.map(({ name, text: expr }) => [name, expr])).toEqual([
      ['A', 'up'],
      ['B', 'up'],
      ['c', 'up'],
    ]);
  });
  it('of aliases that stand for millions is refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
    expect(messages(lines.join('\n'))[0]).toMatch(/more than 300000 nodes/);
  });
  it('may be a PrometheusRule of the operator', () => {
    const resource = `apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\nspec:\n  groups:\n  - name: g\n    partial_response_strategy: warn\n    rules:\n    - {record: a, expr: 1}\n`;
    expect(read(resource)).toMatchObject({ problems: [], groups: [{ rules: [{ name: 'a' }] }] });
  });
});

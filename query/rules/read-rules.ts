import type { Expr } from '#query/promql/ast.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { PromqlError } from '#query/promql/token.ts';
import { placeOf } from './place-of.ts';
import type { Rule, RuleFile, RuleGroup, RuleProblem } from './rule.ts';
import { type Template, TemplateError } from './template-ast.ts';
import { TEMPLATE_FUNCTIONS } from './template-functions.ts';
import { parseTemplate } from './template-parser.ts';
import { type Fields, YamlDecoder, type YamlFault } from './yaml-decoder.ts';
import type { YamlDocument, YamlNode } from './yaml-node.ts';

/** Keys of a group and a rule (rulefmt names them). */
const GROUP_KEYS = ['name', 'interval', 'query_offset', 'limit', 'rules', 'labels'];
const RULE_KEYS = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];
/** What the operator's PrometheusRule resources have beside. */
const OPERATOR_GROUP_KEYS = ['partial_response_strategy'];
/** Rules of one file; 1 million would be an attack. */
const MAX_RULES = 50_000;
/** What Prometheus puts before each template. */
export const TEMPLATE_HEAD =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';

interface RuleIssue {
  readonly at: YamlNode;
  /** A second place, where two keys contradict. */
  readonly also?: YamlNode | undefined;
  readonly message: string;
}
export interface ReadOptions {
  /** Keys that are not known are passed over. */
  readonly ignoreUnknown?: boolean;
}

/**
 * A rule file, or the groups of a PrometheusRule resource. What is wrong is told with its place, and left out: the rest holds.
 * @param file its name, which groups carry
 */
export function readRules(document: YamlDocument, file: string, options: ReadOptions = {}): RuleFile {
  const decoder = new YamlDecoder();
  const problems: RuleProblem[] = document.faults.map(shapeProblem);
  if (!document.root || problems.length > 0) return { groups: [], problems };
  const isResource = isPrometheusRule(document.root);
  const root = isResource ? specOf(document.root) : document.root;
  const top = decoder.map(root, 'rulefmt.RuleGroups', isResource || options.ignoreUnknown ? null : ['groups']);
  problems.push(...taken(decoder));
  const groups: RuleGroup[] = [];
  const seen = new Set<string>();
  let count = 0;
  for (const node of decoder.list(top.get('groups'), 'rulefmt.RuleGroup')) {
    const group = readGroup(node, file, { ...options, isResource }, problems);
    count += group.rules.length;
    if (count > MAX_RULES) {
      problems.push(shapeProblem({ ...node, message: `more than ${MAX_RULES} rules in a file` }));
      break;
    }
    const says =
      group.name === ''
        ? 'Groupname must not be empty'
        : seen.has(group.name)
          ? `groupname: "${group.name}" is repeated in the same file`
          : null;
    seen.add(group.name);
    if (says === null) groups.push(group);
    else problems.push({ ...noRule(node), group: group.name, message: `${node.line}:${node.column}: ${says}` });
  }
  problems.push(...taken(decoder));
  return { groups, problems };
}
const noRule = ({ line, column }: Pick<YamlNode, 'line' | 'column'>) => ({ line, column, group: '', rule: 0, name: '', isShape: false });
const shapeProblem = ({ line, column, message }: YamlFault): RuleProblem => ({
  ...noRule({ line, column }),
  isShape: true,
  message: `line ${line}: ${message}`,
});
/** Faults a decoder has met, which then begins anew. */
function taken(decoder: YamlDecoder, more: Partial<RuleProblem> = {}): RuleProblem[] {
  return decoder.faults.splice(0).map((fault) => ({ ...shapeProblem(fault), ...more }));
}
function entry(node: YamlNode, key: string): YamlNode | undefined {
  return node.kind === 'map' ? node.entries.find((each) => each.key.text === key)?.value : undefined;
}
function isPrometheusRule(root: YamlNode): boolean {
  const kind = entry(root, 'kind');
  return kind?.kind === 'scalar' && kind.text === 'PrometheusRule' && entry(root, 'spec') !== undefined;
}
const specOf = (root: YamlNode): YamlNode => entry(root, 'spec') as YamlNode;

type GroupOptions = ReadOptions & { readonly isResource: boolean };
function readGroup(node: YamlNode, file: string, options: GroupOptions, problems: RuleProblem[]): RuleGroup {
  const decoder = new YamlDecoder();
  const known = options.ignoreUnknown ? null : options.isResource ? [...GROUP_KEYS, ...OPERATOR_GROUP_KEYS] : GROUP_KEYS;
  const fields = decoder.map(node, 'rulefmt.RuleGroup', known);
  const name = decoder.text(fields.get('name'));
  const labels = decoder.texts(fields.get('labels'));
  const limit = decoder.integer(fields.get('limit'));
  const intervalMs = decoder.duration(fields.get('interval'));
  const queryOffsetMs = decoder.duration(fields.get('query_offset'));
  const nodes = decoder.list(fields.get('rules'), 'rulefmt.Rule');
  problems.push(...taken(decoder, { group: name }));
  for (const issue of labelIssues(fields.get('labels') ?? node, labels))
    problems.push({ ...noRule(issue.at), group: name, message: `${issue.at.line}:${issue.at.column}: ${issue.message}` });
  const rules = nodes.flatMap((each, i) => readRule(each, { group: name, rule: i + 1, labels }, options, problems) ?? []);
  return { name, file, intervalMs: intervalMs || null, queryOffsetMs, limit, rules, line: node.line };
}

interface RulePlace {
  readonly group: string;
  readonly rule: number;
  /** Of the group: those of the rule win. */
  readonly labels: ReadonlyMap<string, string>;
}
/** @returns null when it is not as it must be; `problems` tell why */
function readRule(node: YamlNode, place: RulePlace, options: ReadOptions, problems: RuleProblem[]): Rule | null {
  const decoder = new YamlDecoder();
  const fields = decoder.map(node, 'rulefmt.Rule', options.ignoreUnknown ? null : RULE_KEYS);
  const [record, alert, text] = ['record', 'alert', 'expr'].map((key) => decoder.text(fields.get(key))) as [string, string, string];
  const forMs = decoder.duration(fields.get('for')) ?? 0;
  const keepFiringForMs = decoder.duration(fields.get('keep_firing_for')) ?? 0;
  const labels = decoder.texts(fields.get('labels'));
  const annotations = decoder.texts(fields.get('annotations'));
  const name = alert || record;
  const about = { group: place.group, rule: place.rule, name };
  const shape = taken(decoder, about);
  const issues: RuleIssue[] = [...nameIssues(node, fields, record, alert)];
  const expr = readExpr(text, fields.get('expr') ?? node, issues);
  if (record !== '') issues.push(...recordIssues(fields.get('record') as YamlNode, record, annotations.size, forMs, keepFiringForMs));
  const labelsAt = fields.get('labels') ?? node;
  const annotationsAt = fields.get('annotations') ?? node;
  issues.push(...labelIssues(labelsAt, labels));
  for (const key of annotations.keys())
    if (!isName(key)) issues.push({ at: keyOf(annotationsAt, key), message: `invalid annotation name: ${key}` });
  const templates = new Map<string, Template>();
  if (alert !== '') {
    issues.push(...readTemplates('label', alert, labels, labelsAt, templates));
    issues.push(...readTemplates('annotation', alert, annotations, annotationsAt, templates));
  }
  problems.push(...shape, ...issues.map((issue) => ruleProblem(issue, about)));
  if (shape.length > 0 || issues.length > 0 || !expr) return null;
  const all = new Map([...place.labels, ...labels]);
  if (record !== '') return { kind: 'recording', name: record, expr, text, labels: all, line: node.line };
  return { kind: 'alerting', name: alert, expr, text, forMs, keepFiringForMs, labels: all, annotations, templates, line: node.line };
}
function ruleProblem({ at, also, message }: RuleIssue, about: Pick<RuleProblem, 'group' | 'rule' | 'name'>): RuleProblem {
  const where = `${at.line}:${at.column}: ${also ? `${also.line}:${also.column}: ` : ''}`;
  const { group, rule, name } = about;
  const says = `${where}group ${JSON.stringify(group)}, rule ${rule}, ${JSON.stringify(name)}: ${message}`;
  return { ...about, line: at.line, column: at.column, isShape: false, message: says };
}
function* nameIssues(node: YamlNode, fields: Fields, record: string, alert: string): Iterable<RuleIssue> {
  const [recordAt, alertAt] = [fields.get('record') ?? node, fields.get('alert')];
  if (record !== '' && alert !== '') yield { at: recordAt, also: alertAt, message: "only one of 'record' and 'alert' must be set" };
  if (record === '' && alert === '') yield { at: node, message: "one of 'record' or 'alert' must be set" };
}
function readExpr(text: string, at: YamlNode, issues: RuleIssue[]): Expr | null {
  if (text === '') {
    issues.push({ at, message: "field 'expr' must be set in rule" });
    return null;
  }
  try {
    return parsePromql(text);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    issues.push({ at, message: `could not parse expression: ${placeOf(text, error.range.start)}: parse error: ${error.message}` });
    return null;
  }
}
function* recordIssues(at: YamlNode, record: string, annotations: number, forMs: number, keepMs: number): Iterable<RuleIssue> {
  if (annotations > 0) yield { at, message: "invalid field 'annotations' in recording rule" };
  if (forMs !== 0) yield { at, message: "invalid field 'for' in recording rule" };
  if (keepMs !== 0) yield { at, message: "invalid field 'keep_firing_for' in recording rule" };
  if (!isName(record)) yield { at, message: `invalid recording rule name: ${record}` };
  if (/[{}]/.test(record)) yield { at, message: `braces present in the recording rule name; should it be in expr?: ${record}` };
}
/** Any text but one that is not UTF-8: lone surrogates are bytes that are none. */
const isName = (name: string): boolean => name !== '' && !/[\ud800-\udfff]/u.test(name);
function keyOf(at: YamlNode, key: string): YamlNode {
  return (at.kind === 'map' && at.entries.find((each) => each.key.text === key)?.key) || at;
}
function* labelIssues(at: YamlNode, labels: ReadonlyMap<string, string>): Iterable<RuleIssue> {
  for (const [key, value] of labels) {
    if (!isName(key) || key === '__name__') yield { at: keyOf(at, key), message: `invalid label name: ${key}` };
    if (/[\ud800-\udfff]/u.test(value)) yield { at: keyOf(at, key), message: `invalid label value: ${value}` };
  }
}
function* readTemplates(
  kind: 'label' | 'annotation',
  alert: string,
  texts: ReadonlyMap<string, string>,
  at: YamlNode,
  into: Map<string, Template>,
): Iterable<RuleIssue> {
  for (const [key, text] of texts) {
    if (!text.includes('{{')) continue;
    try {
      into.set(text, parseTemplate(`__alert_${alert}`, TEMPLATE_HEAD + text, TEMPLATE_FUNCTIONS));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      yield { at: keyOf(at, key), message: `${kind} ${JSON.stringify(key)}: ${error.message}` };
    }
  }
}

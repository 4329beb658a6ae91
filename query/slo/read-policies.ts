import type { YamlNode } from '#query/rules/yaml-node.ts';
import { DAY_MS } from './burn-windows.ts';
import type { BurnAlert } from './objective.ts';
import type { OpenSloBook } from './openslo-book.ts';
import { entryOf, type SloReader, textOf } from './slo-reader.ts';

const OPERATORS: Readonly<Record<string, BurnAlert['operator']>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };
const MAX_POLICIES = 20;
const MAX_LOOKBACK_MS = 90 * DAY_MS;

/** Alert policies of an SLO of OpenSLO v1, given by name or in place. @param prefix of the alerts' names */
export function readPolicies(reader: SloReader, node: YamlNode | undefined, about: string, prefix: string, book: OpenSloBook): BurnAlert[] {
  const nodes = reader.list(node, 'openslo.AlertPolicy');
  if (nodes.length > MAX_POLICIES) reader.issue(nodes[MAX_POLICIES] as YamlNode, about, `more than ${MAX_POLICIES} alert policies`);
  return nodes.slice(0, MAX_POLICIES).flatMap((each) => {
    // A name alone is what v1 said at first, alertPolicyRef what it says now.
    const ref = each.kind === 'scalar' ? each : entryOf(each, 'alertPolicyRef');
    const policy = ref ? book.find('AlertPolicy', textOf(ref)) : each;
    if (policy) return readPolicy(reader, policy, about, prefix, book);
    reader.issue(each, about, `there is no AlertPolicy ${JSON.stringify(textOf(ref))}`);
    return [];
  });
}
const POLICY_KEYS = ['description', 'alertWhenNoData', 'alertWhenResolved', 'alertWhenBreaching', 'conditions', 'notificationTargets'];

function readPolicy(reader: SloReader, policy: YamlNode, about: string, prefix: string, book: OpenSloBook): BurnAlert[] {
  const spec = entryOf(policy, 'spec');
  const fields = reader.map(spec, 'openslo.AlertPolicySpec', POLICY_KEYS);
  const conditions = reader.list(fields.get('conditions'), 'openslo.AlertCondition');
  if (conditions.length !== 1) reader.issue(conditions[1] ?? spec ?? policy, about, 'an alert policy has one condition');
  const [first] = conditions;
  if (!first) return [];
  const ref = entryOf(first, 'conditionRef');
  const condition = ref ? book.find('AlertCondition', textOf(ref)) : first;
  if (!condition) {
    reader.issue(first, about, `there is no AlertCondition ${JSON.stringify(textOf(ref))}`);
    return [];
  }
  const targets = reader
    .list(fields.get('notificationTargets'), 'openslo.AlertNotificationTarget')
    .map((each) => textOf(entryOf(each, 'targetRef') ?? entryOf(entryOf(each, 'metadata'), 'name')))
    .filter((name) => name !== '');
  const breaching = fields.get('alertWhenBreaching');
  const name = textOf(entryOf(entryOf(policy, 'metadata'), 'name')) || textOf(entryOf(entryOf(condition, 'metadata'), 'name'));
  const read = readCondition(reader, condition, about);
  if (!read) return [];
  const { severity, ...rest } = read;
  const labels = new Map([['severity', severity], ...(targets.length > 0 ? [['notification_targets', targets.join(',')] as const] : [])]);
  const description = textOf(entryOf(entryOf(condition, 'spec'), 'description')) || textOf(entryOf(spec, 'description'));
  return [
    {
      ...{
        name: `${prefix}-${name || 'burn-rate'}`,
        labels,
        annotations: new Map(description ? [['description', asText(description)]] : []),
      },
      ...rest,
      whenBreaching: breaching ? reader.boolean(breaching) : true,
      whenNoData: reader.boolean(fields.get('alertWhenNoData')),
    },
  ];
}
/** A description is text, not a template. */
const asText = (text: string): string => text.replaceAll('{{', '{{"{{"}}');

type Condition = Pick<BurnAlert, 'operator' | 'threshold' | 'windowMs' | 'forMs'> & { readonly severity: string };
function readCondition(reader: SloReader, node: YamlNode, about: string): Condition | null {
  const spec = reader.map(entryOf(node, 'spec'), 'openslo.AlertConditionSpec', ['description', 'severity', 'condition']);
  const severity = reader.text(spec.get('severity'));
  if (severity === '') reader.issue(spec.get('severity') ?? node, about, 'severity of an alert condition is required');
  const at = spec.get('condition');
  if (!at) {
    reader.issue(node, about, 'condition is required');
    return null;
  }
  const fields = reader.map(at, 'openslo.AlertConditionType', ['kind', 'op', 'threshold', 'lookbackWindow', 'alertAfter']);
  const kind = textOf(fields.get('kind')) || 'burnrate';
  if (kind !== 'burnrate')
    reader.issue(fields.get('kind') ?? at, about, `condition kind ${JSON.stringify(kind.slice(0, 40))} is not burnrate`);
  const op = textOf(fields.get('op')) || 'gt';
  const operator = Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
  if (!operator) reader.issue(fields.get('op') ?? at, about, 'op must be lte, gte, lt or gt');
  const threshold = reader.number(fields.get('threshold'));
  if (threshold === null || !(threshold >= 0))
    reader.issue(fields.get('threshold') ?? at, about, 'threshold, a number from 0 on, is required');
  if (!fields.has('lookbackWindow')) reader.issue(at, about, 'lookbackWindow is required');
  const windowMs = reader.duration(fields.get('lookbackWindow'), about);
  if (windowMs !== null && windowMs > MAX_LOOKBACK_MS)
    reader.issue(fields.get('lookbackWindow') ?? at, about, 'lookbackWindow must be at most 90d');
  const after = fields.get('alertAfter');
  const forMs = !after || /^0[smhdw]?$/.test(textOf(after)) ? 0 : reader.duration(after, about);
  const isRight =
    kind === 'burnrate' && operator && threshold !== null && threshold >= 0 && windowMs !== null && windowMs <= MAX_LOOKBACK_MS;
  return isRight && forMs !== null ? { operator, threshold, windowMs, forMs, severity: severity || 'page' } : null;
}

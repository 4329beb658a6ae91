import type { Context, Hono } from 'hono';
import type { ScheduledGroup } from '#main/engine/alerting/alerting.ts';
import type { Engine } from '#main/engine/engine.ts';
import { entriesOf, labelsOf } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { printPromql } from '#query/promql/print.ts';
import { PromqlError } from '#query/promql/token.ts';
import type { Alert } from '#query/rules/alert-state.ts';
import type { RuleRun } from '#query/rules/evaluate-group.ts';
import { formatFloat } from '#query/rules/go-float.ts';
import { placeOf } from '#query/rules/place-of.ts';
import type { Shared } from './create-api.ts';

/** /api/v1/rules and /api/v1/alerts as Prometheus shapes them (docs/querying/api). */
const NEVER = '0001-01-01T00:00:00Z';
const timeOf = (ms: number | null): string => (ms === null ? NEVER : new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z'));

function alertOf({ labels, annotations, state, activeAtMs, keepFiringSinceMs, value }: Alert): object {
  return {
    labels: Object.fromEntries(entriesOf(labels)),
    annotations: Object.fromEntries(annotations),
    state,
    activeAt: timeOf(activeAtMs),
    ...(keepFiringSinceMs === null ? {} : { keepFiringSince: timeOf(keepFiringSinceMs) }),
    value: formatFloat(value, 'e', -1),
  };
}
function ruleOf({ rule, book, health, lastError, evaluationSeconds, lastEvaluationMs }: RuleRun, withAlerts: boolean): object {
  const said = {
    name: rule.name,
    query: printPromql(rule.expr),
    health,
    ...(lastError === '' ? {} : { lastError }),
    evaluationTime: evaluationSeconds,
    lastEvaluation: timeOf(lastEvaluationMs),
  };
  const labels = Object.fromEntries(rule.labels);
  if (rule.kind === 'recording') return { ...said, ...(rule.labels.size > 0 ? { labels } : {}), type: 'recording' };
  return {
    state: book?.state ?? 'inactive',
    ...said,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    labels,
    annotations: Object.fromEntries(rule.annotations),
    alerts: withAlerts ? (book?.alerts ?? []).map(alertOf) : [],
    type: 'alerting',
  };
}

class BadData extends Error {}
interface Wanted {
  readonly group: (group: ScheduledGroup) => boolean;
  readonly rule: (run: RuleRun) => boolean;
  readonly withAlerts: boolean;
  readonly limit: number;
  readonly from: string;
}
function wantedOf(query: URLSearchParams): Wanted {
  const set = (name: string): ((value: string) => boolean) => {
    const values = new Set(query.getAll(name));
    return (value) => values.size === 0 || values.has(value);
  };
  const [names, groups, files] = [set('rule_name[]'), set('rule_group[]'), set('file[]')];
  const type = query.get('type') ?? '';
  if (!['', 'alert', 'record'].includes(type)) throw new BadData(`invalid parameter "type": not supported value ${JSON.stringify(type)}`);
  const exclude = query.get('exclude_alerts') ?? '';
  if (!['', 'true', 'false', '1', '0'].includes(exclude)) throw new BadData('invalid parameter "exclude_alerts": not a boolean');
  const tests = query.getAll('match[]').map(matcherOf);
  const limit = query.get('group_limit');
  if (limit !== null && !(Number(limit) > 0)) throw new BadData('invalid parameter "group_limit": it must be greater than 0');
  const from = query.get('group_next_token') ?? '';
  if (from !== '' && limit === null)
    throw new BadData('invalid parameter "group_limit": group_limit needs to be set in order to paginate over the groups');
  return {
    group: ({ run: { group } }) => groups(group.name) && files(group.file),
    rule: ({ rule }) =>
      names(rule.name) &&
      (type === '' || (type === 'alert') === (rule.kind === 'alerting')) &&
      (tests.length === 0 || tests.some((test) => test(labelsOf(rule.labels)))),
    withAlerts: !(exclude === 'true' || exclude === '1'),
    limit: limit === null ? Number.POSITIVE_INFINITY : Number(limit),
    from,
  };
}
function matcherOf(text: string): ReturnType<typeof labelsTest> {
  try {
    const expr = parsePromql(text);
    if (expr.kind === 'selector') return labelsTest(expr.matchers);
    throw new BadData('invalid parameter "match[]": only selectors are allowed');
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    throw new BadData(`invalid parameter "match[]": ${placeOf(text, error.range.start)}: parse error: ${error.message}`);
  }
}
function rulesOf(all: readonly ScheduledGroup[], wanted: Wanted): object {
  const sorted = [...all].sort((a, b) => (a.key < b.key ? -1 : 1)).filter(wanted.group);
  const first = wanted.from === '' ? 0 : sorted.findIndex(({ key }) => tokenOf(key) === wanted.from);
  if (first < 0)
    throw new BadData(`invalid parameter "group_next_token": invalid group_next_token '${wanted.from}', were rule groups changed?`);
  const groups: object[] = [];
  for (let at = first; at < sorted.length; at++) {
    const { key, run, intervalMs } = sorted[at] as ScheduledGroup;
    const { group, runs, evaluationSeconds, lastEvaluationMs } = run;
    const rules = runs.filter(wanted.rule).map((each) => ruleOf(each, wanted.withAlerts));
    if (rules.length === 0 && runs.length > 0) continue;
    if (groups.length >= wanted.limit) return { groups, groupNextToken: tokenOf(key) };
    groups.push({
      name: group.name,
      file: group.file,
      rules,
      interval: intervalMs / 1000,
      limit: group.limit,
      evaluationTime: evaluationSeconds,
      lastEvaluation: timeOf(lastEvaluationMs),
    });
  }
  return { groups };
}
const tokenOf = (key: string): string => Buffer.from(key).toString('base64url');

/** Registers both under /api/v1. Who may call them has been asked by then. */
export function serveRules(app: Hono<{ Variables: Shared }>, engine: Engine): void {
  const answer = (path: string, read: (query: URLSearchParams) => object): void => {
    app.get(`/api/v1${path}`, (c: Context) => {
      c.set('route', `get /api/v1${path}`);
      try {
        return c.json({ status: 'success', data: read(new URL(c.req.url).searchParams) });
      } catch (error) {
        if (error instanceof BadData) return c.json({ status: 'error', errorType: 'bad_data', error: error.message }, 400);
        throw error;
      }
    });
  };
  answer('/rules', (query) => rulesOf(engine.alerting.groups, wantedOf(query)));
  answer('/alerts', () => ({
    alerts: engine.alerting.groups.flatMap(({ run }) => run.runs).flatMap(({ book }) => (book?.alerts ?? []).map(alertOf)),
  }));
}

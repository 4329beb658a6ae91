import { FaultlineError } from '#contracts/errors.ts';
import { loadConfig } from '#main/alerting/load-config.ts';
import { type AlertmanagerConfig, integrationName, type Route } from '#query/alerting/config.ts';
import { groupKeyOf } from '#query/alerting/dispatcher.ts';
import { MatcherError, parseMatcher } from '#query/alerting/parse-matchers.ts';
import { printConfigProblems } from '#query/alerting/read-config.ts';
import { RouteTree } from '#query/alerting/routes.ts';
import { type Labels, labelsOf } from '#query/promql/labels.ts';

export interface AlertingRouteFlags {
  readonly explain?: boolean;
  readonly verifyReceivers?: string;
}
const out = (line: string): void => void process.stdout.write(`${line}\n`);

/** `faultline alerting check`: as `amtool check-config` says it, with places. @returns 1 when a file is not as it must be */
export function checkConfigs(files: readonly string[]): number {
  let failed = false;
  for (const file of files) {
    const { config, problems, templateProblem } = loadConfig(file);
    if (config) {
      out(`Checking '${file}'  SUCCESS`);
      for (const line of contentsOf(config)) out(line);
      if (config.templates.length > 0) out(templateProblem === '' ? '  SUCCESS' : `  FAILED: ${templateProblem}`);
      if (templateProblem !== '') failed = true;
    } else {
      failed = true;
      out(`Checking '${file}'  FAILED: ${printConfigProblems(problems)}`);
      for (const { line, column } of problems) if (column > 0) out(`  at line ${line}, column ${column}`);
    }
    out('');
  }
  return failed ? 1 : 0;
}
function* contentsOf({ inhibitRules, receivers, templates, timeIntervals }: AlertmanagerConfig): Iterable<string> {
  yield 'Found:';
  yield ' - global config';
  yield ' - route';
  yield ` - ${inhibitRules.length} inhibit rules`;
  yield ` - ${receivers.length} receivers`;
  yield ` - ${templates.length} templates`;
  if (timeIntervals.size > 0) yield ` - ${timeIntervals.size} time intervals`;
  for (const { name, integrations } of receivers)
    for (const each of integrations) {
      const is = `Note: ${integrationName(each)} of receiver ${JSON.stringify(name)} (line ${each.line})`;
      if (each.kind === 'foreign') yield `${is} is not delivered by Faultline, it will be shown only.`;
      if (each.kind === 'desktop' || each.kind === 'sound' || each.kind === 'syslog')
        yield `${is} is Faultline's own: Alertmanager would refuse this file.`;
      if (each.kind === 'webhook' && each.http.ignored.length > 0) yield `${is}: Faultline does not use ${each.http.ignored.join(', ')}.`;
    }
}

/** `faultline alerting route`: the receivers of an alert with these labels, as `amtool config routes test` prints them. */
export function routeAlert(file: string, pairs: readonly string[], flags: AlertingRouteFlags): number {
  const { config, problems } = loadConfig(file);
  if (!config) throw new FaultlineError('bad_request', `${file}: ${printConfigProblems(problems)}`);
  const labels = labelsOf(pairs.map(pairOf));
  const routes = new RouteTree(config.route).match(labels);
  const receivers = routes.map(({ receiver }) => receiver).join(',');
  if (flags.explain) for (const route of routes) for (const line of explain(route, labels)) out(line);
  out(receivers);
  if (flags.verifyReceivers === undefined || flags.verifyReceivers === receivers) return 0;
  out('WARNING: Expected receivers did not match resolved receivers.');
  return 1;
}
function pairOf(text: string): [string, string] {
  try {
    const { name, operator, value } = parseMatcher(text);
    if (operator === '=') return [name, value];
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    throw new FaultlineError('bad_request', `Failed to parse labels: ${error.message}`);
  }
  throw new FaultlineError('bad_request', `Labels must be specified as key=value pairs, not ${text}`);
}
const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;
/** 1h30m, as files have it. */
function duration(ms: number): string {
  let left = ms;
  const parts = UNITS.map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count > 0 ? `${count}${unit}` : '';
  });
  return parts.join('') || '0s';
}
function* explain(route: Route, labels: Labels): Iterable<string> {
  yield `line ${route.line}: receiver ${route.receiver}`;
  yield `  group ${groupKeyOf(route, labels)}`;
  yield `  told after ${duration(route.groupWaitMs)}, of changes every ${duration(route.groupIntervalMs)}, again every ${duration(route.repeatIntervalMs)}`;
  if (route.muteTimeIntervals.length > 0) yield `  muted in ${route.muteTimeIntervals.join(', ')}`;
  if (route.activeTimeIntervals.length > 0) yield `  only in ${route.activeTimeIntervals.join(', ')}`;
}

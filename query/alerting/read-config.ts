import { printFaults } from '#query/rules/yaml-decoder.ts';
import type { YamlDocument, YamlNode } from '#query/rules/yaml-node.ts';
import {
  type AlertmanagerConfig,
  type ConfigProblem,
  DEFAULT_GROUP_INTERVAL_MS,
  DEFAULT_GROUP_WAIT_MS,
  DEFAULT_REPEAT_INTERVAL_MS,
  DEFAULT_RESOLVE_TIMEOUT_MS,
  type InhibitRule,
  type Receiver,
  type Route,
} from './config.ts';
import { ConfigDecoder, ConfigFailure, fail, type Got } from './config-decoder.ts';
import { checkForeign } from './foreign-receivers.ts';
import { type Matcher, matcherOf, printMatchers, sortMatchers } from './matcher.ts';
import { MatcherError, parseMatchers, regexError } from './parse-matchers.ts';
import { DEFAULT_HTTP, readHttp, readTls } from './read-http.ts';
import { readInterval } from './read-intervals.ts';
import { hostPort, type ReceiverDraft, readReceiver, smtpReaders } from './read-receivers.ts';
import type { NamedInterval } from './time-interval.ts';

/** A file as Alertmanager would take it; problems: it would not, and these are its words. */
export type ConfigRead =
  | { readonly config: AlertmanagerConfig; readonly problems: readonly [] }
  | { readonly config: null; readonly problems: readonly ConfigProblem[] };

/** Reads alertmanager.yml as Alertmanager 0.30 does (config/config.go, coordinator aside): all of it, or none. */
export function readConfig(document: YamlDocument): ConfigRead {
  const decoder = new ConfigDecoder(document);
  try {
    const config = document.faults.every(isTwice) ? readDocument(decoder, document.root) : null;
    if (config && decoder.faults.length === 0) return { config, problems: [] };
    return { config: null, problems: decoder.faults.map((fault) => ({ ...fault, isShape: true })) };
  } catch (error) {
    if (!(error instanceof ConfigFailure)) throw error;
    return { config: null, problems: [{ line: error.at.line, column: error.at.column, message: error.message, isShape: false }] };
  }
}
/** As amtool says it: what is not of its shape all at once. */
export function printConfigProblems(problems: readonly ConfigProblem[]): string {
  const shape = problems.filter(({ isShape }) => isShape);
  return shape.length > 0 ? printFaults(shape) : problems.map(({ message }) => message).join('\n');
}
/** A key that stands twice: Alertmanager reads on, and tells of it at the end. */
const isTwice = ({ message }: { readonly message: string }): boolean => message.startsWith('mapping key ');
const START = { line: 1, column: 1 } as const;

function readDocument(decoder: ConfigDecoder, root: YamlNode | null): AlertmanagerConfig | null {
  if (!root) fail(START, 'no route provided in config');
  const intervals = (what: string) => (list: YamlNode) =>
    decoder.list(list, 'config.plain').map((node) => ({ node, interval: readInterval(decoder, node, what) }));
  let config: AlertmanagerConfig | null = null;
  decoder.struct(
    root,
    {
      global: (at) => readGlobal(decoder, at),
      route: (at) => readRoute(decoder, at),
      inhibit_rules: (list) => decoder.list(list, 'config.plain').map((at) => readInhibitRule(decoder, at)),
      receivers: (list) => decoder.list(list, 'config.plain').map((at) => readReceiver(decoder, at)),
      templates: decoder.as.strings,
      mute_time_intervals: intervals('mute time interval'),
      time_intervals: intervals('time interval'),
    },
    (got) => {
      if (decoder.faults.length > 0) return;
      const { route } = got;
      const receivers = resolveReceivers(got.receivers ?? [], got.global);
      if (!route) fail(root, 'no routes provided');
      checkRoot(route);
      const timeIntervals = new Map<string, NamedInterval>();
      for (const [what, list] of [
        ['mute time interval', got.mute_time_intervals ?? []],
        ['time interval', got.time_intervals ?? []],
      ] as const)
        for (const { node, interval } of list) {
          if (timeIntervals.has(interval.name)) fail(node, `${what} ${JSON.stringify(interval.name)} is not unique`);
          timeIntervals.set(interval.name, interval);
        }
      checkReferences(route, new Set(receivers.map(({ name }) => name)), timeIntervals);
      if (route.got.continue) fail(route.node, 'cannot have continue in root route');
      config = {
        global: { resolveTimeoutMs: got.global?.resolve_timeout ?? DEFAULT_RESOLVE_TIMEOUT_MS },
        ...{ route: resolveRoute(route, null), receivers, inhibitRules: got.inhibit_rules ?? [], timeIntervals },
        templates: got.templates ?? [],
      };
    },
  );
  return config;
}

/** Keys of global that matter to receivers that are not delivered: only whether they are there. */
const FOREIGN_SECRETS =
  'slack_api_url slack_app_token opsgenie_api_key victorops_api_key wechat_api_secret rocketchat_token rocketchat_token_id telegram_bot_token'.split(
    ' ',
  );
const FOREIGN_URLS =
  'pagerduty_url opsgenie_api_url wechat_api_url victorops_api_url telegram_api_url webex_api_url rocketchat_api_url jira_api_url slack_app_url'.split(
    ' ',
  );
function readGlobal(decoder: ConfigDecoder, node: YamlNode) {
  const { as } = decoder;
  const smtp = smtpReaders(decoder);
  const given = new Set<string>();
  const note = (key: string, isUrl: boolean) => (at: YamlNode) => {
    if (as.text(at) !== '') given.add(key);
    if (isUrl) as.secretUrl(at);
  };
  const foreign = Object.fromEntries([
    ...FOREIGN_SECRETS.flatMap((key) => [
      [key, note(key, key.endsWith('_url'))],
      [`${key}_file`, note(`${key}_file`, false)],
    ]),
    ...FOREIGN_URLS.map((key) => [key, note(key, true)]),
    ...['wechat_api_corp_id', 'mattermost_webhook_url_file'].map((key) => [key, note(key, false)]),
  ]) as Record<never, never>;
  const got = decoder.struct(node, {
    resolve_timeout: as.duration,
    http_config: (at) => readHttp(decoder, at),
    smtp_smarthost: (at) => hostPort(at, as.text(at)),
    ...{ smtp_from: smtp.from, smtp_hello: smtp.hello, smtp_require_tls: smtp.require_tls },
    ...{ smtp_auth_username: smtp.auth_username, smtp_auth_identity: smtp.auth_identity },
    ...{ smtp_auth_password: smtp.auth_password, smtp_auth_password_file: smtp.auth_password_file },
    ...{ smtp_auth_secret: smtp.auth_secret, smtp_auth_secret_file: smtp.auth_secret_file },
    smtp_tls_config: (at) => readTls(decoder, at),
    ...foreign,
  });
  return { ...got, node, given };
}
function checkGlobal({ node, given, ...got }: ReturnType<typeof readGlobal>): void {
  const both = (a: string, b: string): void => fail(node, `at most one of ${a} & ${b} must be configured`);
  for (const key of FOREIGN_SECRETS) if (given.has(key) && given.has(`${key}_file`)) both(key, `${key}_file`);
  if (got.smtp_auth_password && got.smtp_auth_password_file) both('smtp_auth_password', 'smtp_auth_password_file');
  if (got.smtp_auth_secret && got.smtp_auth_secret_file) both('smtp_auth_secret', 'smtp_auth_secret_file');
}
/** Fills in what `global` says. */
function resolveReceivers(drafts: readonly ReceiverDraft[], global: ReturnType<typeof readGlobal> | undefined): Receiver[] {
  if (global) checkGlobal(global);
  const smtp = Object.fromEntries(Object.entries(global ?? {}).map(([key, value]) => [key.replace(/^smtp_/, ''), value]));
  const names = new Set<string>();
  return drafts.map(({ node, name, webhooks, emails, foreign, own }) => {
    if (names.has(name)) fail(node, `notification config name ${JSON.stringify(name)} is not unique`);
    names.add(name);
    const integrations = [
      ...webhooks.map((webhook) => webhook(global?.http_config ?? DEFAULT_HTTP)),
      ...emails.map((email) => email(smtp)),
      ...foreign.map(({ integration }) => integration),
      ...own,
    ];
    for (const each of foreign) checkForeign(each, global?.given ?? new Set());
    return { name, integrations };
  });
}

interface RouteDraft {
  readonly node: YamlNode;
  readonly matchers: readonly Matcher[];
  readonly groupBy: Route['groupBy'] | null;
  readonly routes: readonly RouteDraft[];
  readonly got: Got<ReturnType<typeof routeReaders>>;
}
const routeReaders = (decoder: ConfigDecoder) => {
  const { as } = decoder;
  return {
    receiver: as.text,
    group_by: as.strings,
    match: (at: YamlNode) => classicMatchers(decoder, at, '='),
    match_re: (at: YamlNode) => classicMatchers(decoder, at, '=~'),
    matchers: (at: YamlNode) => newMatchers(decoder, at),
    ...{ mute_time_intervals: as.strings, active_time_intervals: as.strings, continue: as.boolean },
    routes: (list: YamlNode): RouteDraft[] => decoder.list(list, '*config.Route').map((at) => readRoute(decoder, at)),
    ...{ group_wait: as.duration, group_interval: as.duration, repeat_interval: as.duration },
  };
};
function readRoute(decoder: ConfigDecoder, node: YamlNode): RouteDraft {
  const got = decoder.struct(node, routeReaders(decoder), (given) => {
    for (const { name } of given.match ?? []) if (!isClassicName(name)) fail(node, `invalid label name ${JSON.stringify(name)}`);
    checkGroupBy(node, given.group_by ?? []);
    if (given.group_interval === 0) fail(node, 'group_interval cannot be zero');
    if (given.repeat_interval === 0) fail(node, 'repeat_interval cannot be zero');
  });
  const by = got.group_by ?? [];
  return {
    ...{ node, got, routes: got.routes ?? [] },
    matchers: [...(got.match ?? []), ...(got.match_re ?? []), ...(got.matchers ?? [])],
    groupBy: by.includes('...') ? 'all' : by.length > 0 ? by : null,
  };
}
function checkGroupBy(node: YamlNode, by: readonly string[]): void {
  const names = by.filter((name) => name !== '...');
  for (const name of names) if (!isName(name)) fail(node, `invalid label name ${JSON.stringify(name)} in group_by list`);
  if (names.length > 0 && names.length < by.length) fail(node, 'cannot have wildcard group_by (`...`) and other labels at the same time');
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) fail(node, `duplicated label ${JSON.stringify(twice)} in group_by`);
}
const isClassicName = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
/** Any text that is UTF-8. */
const isName = (name: string): boolean => name !== '' && !/[\ud800-\udfff]/u.test(name);

/** match and match_re, source_match and so on: names of old. */
function classicMatchers(decoder: ConfigDecoder, node: YamlNode, operator: '=' | '=~'): Matcher[] {
  return [...decoder.map(node, 'map[string]string', null)].map(([name, value]) => {
    if (operator === '=') return matcherOf(name, '=', decoder.text(value));
    if (!isClassicName(name)) fail(value, `invalid label name ${JSON.stringify(name)}`);
    if (value.kind === 'scalar' && value.tag === '!!null') fail(value, `invalid regexp value for ${JSON.stringify(name)}`);
    const pattern = decoder.text(value);
    try {
      // The key of a route shows it with its anchors.
      return { ...matcherOf(name, '=~', pattern), value: `^(?:${pattern})$` };
    } catch (error) {
      return fail(value, (regexError(pattern, error) as Error).message);
    }
  });
}
function newMatchers(decoder: ConfigDecoder, node: YamlNode): Matcher[] {
  return decoder.list(node, 'string').flatMap((each) => {
    try {
      return parseMatchers(decoder.text(each));
    } catch (error) {
      if (error instanceof MatcherError) return fail(each, error.message);
      throw error;
    }
  });
}
function checkRoot({ node, matchers, got }: RouteDraft): void {
  if (!got.receiver) fail(node, 'root route must specify a default receiver');
  if (matchers.length > 0) fail(node, 'root route must not have any matchers');
  if (got.mute_time_intervals?.length) fail(node, 'root route must not have any mute time intervals');
  if (got.active_time_intervals?.length) fail(node, 'root route must not have any active time intervals');
}
/** Children first, as Alertmanager looks. */
function* draftsOf(route: RouteDraft): Iterable<RouteDraft> {
  for (const child of route.routes) yield* draftsOf(child);
  yield route;
}
function checkReferences(root: RouteDraft, receivers: ReadonlySet<string>, intervals: ReadonlyMap<string, unknown>): void {
  for (const { node, got } of draftsOf(root))
    if (got.receiver && !receivers.has(got.receiver)) fail(node, `undefined receiver ${JSON.stringify(got.receiver)} used in route`);
  for (const { node, got } of draftsOf(root))
    for (const name of [...(got.active_time_intervals ?? []), ...(got.mute_time_intervals ?? [])])
      if (!intervals.has(name)) fail(node, `undefined time interval ${JSON.stringify(name)} used in route`);
}
/** What a route does not say it has from its parent; times of muting it has not. */
function resolveRoute({ node, matchers, groupBy, routes, got }: RouteDraft, parent: Route | null): Route {
  const sorted = sortMatchers(matchers);
  const route = {
    matchers: sorted,
    receiver: got.receiver || (parent?.receiver ?? ''),
    groupBy: groupBy ?? parent?.groupBy ?? [],
    groupWaitMs: got.group_wait ?? parent?.groupWaitMs ?? DEFAULT_GROUP_WAIT_MS,
    groupIntervalMs: got.group_interval ?? parent?.groupIntervalMs ?? DEFAULT_GROUP_INTERVAL_MS,
    repeatIntervalMs: got.repeat_interval ?? parent?.repeatIntervalMs ?? DEFAULT_REPEAT_INTERVAL_MS,
    continue: got.continue ?? false,
    muteTimeIntervals: got.mute_time_intervals ?? [],
    activeTimeIntervals: got.active_time_intervals ?? [],
    routes: [],
    key: `${parent ? `${parent.key}/` : ''}${printMatchers(sorted)}`,
    line: node.line,
  };
  return { ...route, routes: routes.map((each) => resolveRoute(each, route)) };
}
function readInhibitRule(decoder: ConfigDecoder, node: YamlNode): InhibitRule {
  const old = (operator: '=' | '=~') => (at: YamlNode) => classicMatchers(decoder, at, operator);
  const list = (at: YamlNode) => newMatchers(decoder, at);
  const got = decoder.struct(
    node,
    {
      ...{ name: decoder.as.text, equal: decoder.as.strings, source_matchers: list, target_matchers: list },
      ...{ source_match: old('='), source_match_re: old('=~'), target_match: old('='), target_match_re: old('=~') },
    },
    (given) => {
      for (const { name } of [...(given.source_match ?? []), ...(given.target_match ?? [])])
        if (!isClassicName(name)) fail(node, `invalid label name ${JSON.stringify(name)}`);
      for (const name of given.equal ?? []) if (!isName(name)) fail(node, `invalid label name ${JSON.stringify(name)} in equal list`);
    },
  );
  return {
    ...{ name: got.name ?? '', equal: got.equal ?? [], line: node.line },
    source: sortMatchers([...(got.source_match ?? []), ...(got.source_match_re ?? []), ...(got.source_matchers ?? [])]),
    target: sortMatchers([...(got.target_match ?? []), ...(got.target_match_re ?? []), ...(got.target_matchers ?? [])]),
  };
}

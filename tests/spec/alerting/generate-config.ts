/** Random alertmanager.yml files, most of them good, and labels to ask their routes with. */
export interface GeneratedConfig {
  readonly text: string;
  readonly labels: readonly string[][];
}
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const NAMES = ['team', 'severity', 'env', 'job', 'alertname'];
const VALUES = ['a', 'b', 'prod', 'x-1', '5', 'a b'];
const PATTERNS = ['a|b', 'a.*', '.+', '.*', '[ab]', 'x-\\\\d', '(?i)PROD', '', '^a$', 'pro.?d|5'];
/** One fault each; Alertmanager 0.25 refuses most of them. */
const FAULTS: readonly (readonly [key: string, value: string])[] = [
  ['receiver', '[a]'],
  ['receiver', 'nobody'],
  ['nope', '1'],
  ['group_by', 'team'],
  ['group_by', '[team, team]'],
  ['group_by', "['...', team]"],
  ['group_by', '[{a: b}]'],
  ['group_wait', '5x'],
  ['group_wait', '[5s]'],
  ['group_wait', "''"],
  ['group_wait', '0s'],
  ['group_wait', '1h5d'],
  ['group_interval', '0s'],
  ['repeat_interval', '0'],
  ['continue', 'maybe'],
  ['continue', '"true"'],
  ['continue', 'yes'],
  ['match', '[a]'],
  ['match', '{a-b: c}'],
  ['match', '{team: [a]}'],
  ['match_re', '{team: "("}'],
  ['match_re', '{team: "a**"}'],
  ['match_re', '{team: "[b-a]"}'],
  ['match_re', '{a.b: c}'],
  ['match_re', '{team: "a\\\\8"}'],
  ['matchers', '[team]'],
  ['matchers', '"team=a"'],
  ['matchers', "['team=\"a']"],
  ['matchers', "['team=a\"b']"],
  ['matchers', "['team=~(']"],
  ['matchers', '[{a: b}]'],
  ['mute_time_intervals', '[never]'],
  ['active_time_intervals', '[never]'],
  ['routes', '{a: b}'],
];
const TIMES: readonly string[] = [
  "times: [{start_time: '09:00', end_time: '17:00'}]",
  "times: [{start_time: '09:00', end_time: '24:00'}]",
  "times: [{start_time: '17:00', end_time: '09:00'}]",
  "times: [{start_time: '9:00', end_time: '17:00'}]",
  "times: [{start_time: '09:00'}]",
  'times: {a: b}',
  "weekdays: ['monday:friday', sunday]",
  "weekdays: ['friday:monday']",
  'weekdays: [Mon]',
  "weekdays: ['a:b:c']",
  "days_of_month: ['1:5', '-3:-1', '15:-1', 7]",
  "days_of_month: ['0']",
  "days_of_month: ['32']",
  "days_of_month: ['-1:5']",
  "days_of_month: ['20:-20']",
  "days_of_month: ['x']",
  "months: ['january:march', 5, 'December']",
  "months: ['march:january']",
  "months: ['smarch']",
  "years: ['2020:2022', 2030]",
  "years: ['2022:2020']",
  "years: ['soon']",
  'location: Australia/Sydney',
  'location: Nowhere/Land',
  'nope: 1',
];
const RECEIVERS: readonly string[] = [
  "webhook_configs: [{url: 'http://a/b'}]",
  'webhook_configs: [{}]',
  "webhook_configs: [{url: 'ftp://a'}]",
  "webhook_configs: [{url: 'http://'}]",
  "webhook_configs: [{url: 'a'}]",
  "webhook_configs: [{url: 'http://a', max_alerts: x}]",
  "webhook_configs: [{url: 'http://a', nope: x}]",
  "webhook_configs: [{url: 'http://a', send_resolved: 3}]",
  "webhook_configs: [{url: 'http://a', http_config: {bearer_token: a, bearer_token_file: b}}]",
  "webhook_configs: [{url: 'http://a', http_config: {bearer_token: a, basic_auth: {username: b}}}]",
  "webhook_configs: [{url: 'http://a', http_config: {basic_auth: {password: b, password_file: c}}}]",
  "webhook_configs: [{url: 'http://a', http_config: {authorization: {credentials: b}, bearer_token: c}}]",
  "webhook_configs: [{url: 'http://a', http_config: {authorization: {type: Basic}}}]",
  "webhook_configs: [{url: 'http://a', http_config: {authorization: {type: X, credentials: b}, tls_config: {insecure_skip_verify: true}}}]",
  "email_configs: [{to: 'a@b', from: 'c@d', smarthost: 'mail:25'}]",
  "email_configs: [{to: 'a@b', from: 'c@d'}]",
  "email_configs: [{to: 'a@b', smarthost: 'mail:25'}]",
  "email_configs: [{from: 'a@b'}]",
  "email_configs: [{to: 'a@b', from: 'c@d', smarthost: 'mail'}]",
  "email_configs: [{to: 'a@b', from: 'c@d', smarthost: 'mail:'}]",
  "email_configs: [{to: 'a@b', from: 'c@d', smarthost: 'a:b:c'}]",
  "email_configs: [{to: 'a@b', from: 'c@d', smarthost: '[::1]:25', headers: {subject: x, SUBJECT: y}}]",
  "slack_configs: [{api_url: 'http://slack', channel: '#a'}]",
  "slack_configs: [{channel: '#a'}]",
  "slack_configs: [{api_url: 'http://slack', api_url_file: b}]",
  "slack_configs: [{api_url: 'slack'}]",
  'pagerduty_configs: [{routing_key: a}]',
  'pagerduty_configs: [{}]',
  'pagerduty_configs: [{service_key: a, service_key_file: b}]',
  'opsgenie_configs: [{api_key: a}]',
  'opsgenie_configs: [{}]',
  'pushover_configs: [{user_key: a, token: b}]',
  'pushover_configs: [{user_key: a}]',
  'victorops_configs: [{api_key: a, routing_key: b}]',
  'victorops_configs: [{api_key: a}]',
  'wechat_configs: [{}]',
  'wechat_configs: [{api_secret: a, corp_id: b}]',
  "telegram_configs: [{bot_token: a, chat_id: 3, api_url: 'http://t'}]",
  'telegram_configs: [{bot_token: a}]',
  "sns_configs: [{topic_arn: 'a', sigv4: {}}]",
  'nope_configs: []',
];
const GLOBALS: readonly string[] = [
  'resolve_timeout: 3m',
  'resolve_timeout: never',
  "smtp_from: 'a@b', smtp_smarthost: 'mail:25', smtp_auth_password: x",
  'smtp_smarthost: mail',
  'smtp_auth_password: x, smtp_auth_password_file: y',
  "slack_api_url: 'http://slack'",
  'slack_api_url: slack',
  "slack_api_url: 'http://slack', slack_api_url_file: x",
  'opsgenie_api_key: a, opsgenie_api_key_file: b',
  'opsgenie_api_key: a',
  'victorops_api_key: a',
  "wechat_api_secret: a, wechat_api_corp_id: b, wechat_api_url: 'http://w'",
  'nope: 1',
  'http_config: {follow_redirects: no}',
];

export function generateConfig(seed: number): GeneratedConfig {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const chance = (p: number): boolean => random() < p;
  const receivers = ['r0', 'r1', 'r2', 'r3'];
  // At most a fault or two of all kinds: the first ends the reading.
  let faults = chance(0.4) ? 1 + Math.floor(random() * 2) : 0;
  const isFaulty = (): boolean => faults > 0 && chance(0.2) && faults-- > 0;
  const matcher = (): string => {
    const [name, operator] = [pick(NAMES), pick(['=', '!=', '=~', '!~'])];
    const value = pick(operator.endsWith('~') ? PATTERNS : VALUES);
    const text = chance(0.6) ? `${name}${operator}"${value}"` : `${name} ${operator} ${value}`;
    return `'${chance(0.2) ? `{${text}}` : chance(0.2) ? `${text}, ${pick(NAMES)}!="z",` : text}'`;
  };
  const route = (depth: number, indent: string): string[] => {
    const lines = new Map<string, string>();
    if (depth === 0 || chance(0.7)) lines.set('receiver', pick(receivers));
    if (chance(0.3)) lines.set('group_by', pick(["['...']", '[team]', '[team, env]', '[]']));
    for (const key of ['group_wait', 'group_interval', 'repeat_interval'])
      if (chance(0.2)) lines.set(key, pick(['10s', '1m', '1h30m', '1d']));
    if (depth > 0 && chance(0.4)) lines.set('continue', pick(['true', 'false']));
    if (depth > 0) {
      if (chance(0.3)) lines.set('match', `{${pick(NAMES)}: '${pick(VALUES)}'}`);
      if (chance(0.3)) lines.set('match_re', `{${pick(NAMES)}: "${pick(PATTERNS)}"}`);
      if (chance(0.7)) lines.set('matchers', `[${Array.from({ length: 1 + Math.floor(random() * 2) }, matcher).join(', ')}]`);
      if (chance(0.15)) lines.set('mute_time_intervals', '[t0]');
    }
    if (isFaulty()) lines.set(...(pick(FAULTS) as [string, string]));
    const own = [...lines].map(([key, value]) => `${indent}${key}: ${value}`);
    if (lines.has('routes') || depth > 2 || !(depth === 0 || chance(0.4))) return own;
    const children = Array.from({ length: 1 + Math.floor(random() * 4) }, () => route(depth + 1, `${indent}  `));
    return [...own, `${indent}routes:`, ...children.map((child) => (child.join('\n') || `${indent}  {}`).replace(/^(\s*) {2}/, '$1- '))];
  };
  const good = (list: readonly string[]): string => list[0] as string;
  const inhibit = (): string =>
    isFaulty()
      ? pick(['{source_match: {a-b: c}}', '{equal: team}', "{source_matchers: ['(']}", '{nope: 1}', '{target_match_re: {team: "("}}'])
      : `{source_matchers: [${matcher()}], target_match: {team: a}, equal: [env]}`;
  const parts = [
    chance(0.5) || faults > 0 ? `global: {${isFaulty() ? pick(GLOBALS) : good(GLOBALS)}}` : '',
    `route:\n${route(0, '  ').join('\n')}`,
    `receivers:\n${receivers.map((name) => `- name: ${isFaulty() ? pick(['r0', "''", '[a]']) : name}\n  ${isFaulty() ? pick(RECEIVERS) : good(RECEIVERS)}`).join('\n')}`,
    chance(0.4) ? `inhibit_rules:\n- ${inhibit()}\n- ${inhibit()}` : '',
    `${pick(['time_intervals', 'mute_time_intervals'])}:\n- name: ${isFaulty() ? "''" : 't0'}\n  time_intervals:\n  - ${isFaulty() ? pick(TIMES) : good(TIMES)}\n  - {${isFaulty() ? pick(TIMES) : good(TIMES)}}`,
    isFaulty() ? pick(['nope: 1', 'templates: a', "templates: ['a.tmpl']", 'route:\n  receiver: r0']) : '',
  ];
  // The order decides which fault is told.
  const text = parts
    .filter((part) => part !== '')
    .map((part) => [random(), part] as const)
    .sort(([a], [b]) => a - b)
    .map(([, part]) => part)
    .join('\n');
  const labels = Array.from({ length: 3 }, () =>
    [...new Map(Array.from({ length: Math.floor(random() * 5) }, () => [pick(NAMES), pick(VALUES)] as const))].map(
      ([name, value]) => `${name}="${value}"`,
    ),
  );
  return { text: `${text}\n`, labels };
}

import type { YamlNode } from '#query/rules/yaml-node.ts';
import type { ForeignIntegration } from './config.ts';
import { type ConfigDecoder, fail } from './config-decoder.ts';
import { readHttp } from './read-http.ts';

/**
 * Receivers Faultline reads, checks as Alertmanager does and does not deliver (config/notifiers.go): their keys beside send_resolved and
 * http_config, whether they send what is resolved when nothing is said, and what they must have.
 */
interface Foreign {
  readonly keys: string;
  readonly sendResolved?: false;
  /** `a|b: words`: one of these must be there; `a&b`: not both; words are Alertmanager's. */
  readonly must?: readonly string[];
}
const oneUrl = [
  'webhook_url|webhook_url_file: one of webhook_url or webhook_url_file must be configured',
  'webhook_url&webhook_url_file: at most one of webhook_url & webhook_url_file must be configured',
];
const FOREIGN: Readonly<Record<string, Foreign>> = {
  discord: { keys: 'webhook_url webhook_url_file content title message username avatar_url', must: oneUrl },
  incidentio: {
    keys: 'url url_file alert_source_token alert_source_token_file max_alerts timeout',
    must: [
      'url|url_file: one of url or url_file must be configured',
      'url&url_file: at most one of url & url_file must be configured',
      'alert_source_token&alert_source_token_file: at most one of alert_source_token & alert_source_token_file must be configured',
    ],
  },
  jira: {
    keys:
      'api_url api_type project summary description labels priority issue_type reopen_transition resolve_transition wont_fix_resolution ' +
      'reopen_duration fields custom_fields',
    must: ['project: missing project in jira_config', 'issue_type: missing issue_type in jira_config'],
  },
  mattermost: {
    keys: 'webhook_url webhook_url_file channel username text icon_url icon_emoji attachments type props priority',
    must: oneUrl,
  },
  msteams: { keys: 'webhook_url webhook_url_file title summary text', must: oneUrl },
  msteamsv2: { keys: 'webhook_url webhook_url_file title text', must: oneUrl },
  opsgenie: {
    keys: 'api_key api_key_file api_url message description source details entity responders actions tags note priority update_alerts',
    must: ['api_key&api_key_file: at most one of api_key & api_key_file must be configured'],
  },
  pagerduty: {
    keys:
      'service_key service_key_file routing_key routing_key_file url client client_url description details images links source severity ' +
      'class component group timeout',
    must: [
      'routing_key|service_key|routing_key_file|service_key_file: missing service or routing key in PagerDuty config',
      'routing_key&routing_key_file: at most one of routing_key & routing_key_file must be configured',
      'service_key&service_key_file: at most one of service_key & service_key_file must be configured',
    ],
  },
  pushover: {
    keys: 'user_key user_key_file token token_file title message url url_title device sound priority retry expire ttl html monospace',
    must: [
      'user_key|user_key_file: one of user_key or user_key_file must be configured',
      'user_key&user_key_file: at most one of user_key & user_key_file must be configured',
      'token|token_file: one of token or token_file must be configured',
      'token&token_file: at most one of token & token_file must be configured',
    ],
  },
  rocketchat: {
    keys:
      'api_url token_id token_id_file token token_file channel color title title_link text fields short_fields emoji icon_url image_url ' +
      'thumb_url link_names actions',
    sendResolved: false,
    must: [
      'token&token_file: at most one of token & token_file must be configured',
      'token_id&token_id_file: at most one of token_id & token_id_file must be configured',
    ],
  },
  slack: {
    keys:
      'api_url api_url_file app_token app_token_file app_url channel username color title title_link pretext text fields short_fields footer ' +
      'fallback callback_id icon_emoji icon_url image_url thumb_url link_names mrkdwn_in actions message_text update_message timeout',
    sendResolved: false,
    must: ['api_url&api_url_file: at most one of api_url & api_url_file must be configured'],
  },
  sns: { keys: 'api_url sigv4 topic_arn phone_number target_arn subject message attributes' },
  telegram: {
    keys: 'api_url bot_token bot_token_file chat_id chat_id_file message_thread_id message disable_notifications parse_mode',
    must: [
      'bot_token|bot_token_file: missing bot_token or bot_token_file on telegram_config',
      'bot_token&bot_token_file: at most one of bot_token & bot_token_file must be configured',
      'chat_id|chat_id_file: missing chat_id on telegram_config',
    ],
  },
  victorops: {
    keys: 'api_key api_key_file api_url routing_key message_type state_message entity_display_name monitoring_tool custom_fields',
    must: [
      'routing_key: missing Routing key in VictorOps config',
      'api_key&api_key_file: at most one of api_key & api_key_file must be configured',
    ],
  },
  webex: { keys: 'api_url message room_id', must: ['room_id: missing room_id on webex_config'] },
  wechat: {
    keys: 'api_secret api_secret_file corp_id message api_url to_user to_party to_tag agent_id message_type',
    sendResolved: false,
  },
};
export const FOREIGN_TYPES = Object.keys(FOREIGN);
/** What must be in `global` where an integration does not say it itself: the keys of either, and the words. */
const GLOBALS: readonly (readonly [type: string, own: string, global: string, words: string])[] = [
  [
    'slack',
    'api_url|api_url_file|app_token|app_token_file',
    'slack_api_url|slack_api_url_file|slack_app_token|slack_app_token_file',
    'no global Slack API URL set either inline or in a file',
  ],
  [
    'opsgenie',
    'api_key|api_key_file',
    'opsgenie_api_key|opsgenie_api_key_file',
    'no global OpsGenie API Key set either inline or in a file',
  ],
  ['wechat', 'api_secret|api_secret_file', 'wechat_api_secret|wechat_api_secret_file', 'no global Wechat ApiSecret set'],
  ['wechat', 'corp_id', 'wechat_api_corp_id', 'no global Wechat CorpID set'],
  ['victorops', 'api_key|api_key_file', 'victorops_api_key|victorops_api_key_file', 'no global VictorOps API Key set'],
  ['jira', 'api_url', 'jira_api_url', 'no global Jira Cloud URL set'],
  [
    'rocketchat',
    'token_id|token_id_file',
    'rocketchat_token_id|rocketchat_token_id_file',
    'no global Rocketchat TokenID set either inline or in a file',
  ],
  ['rocketchat', 'token|token_file', 'rocketchat_token|rocketchat_token_file', 'no global Rocketchat Token set either inline or in a file'],
];
export interface ForeignDraft {
  readonly integration: ForeignIntegration;
  readonly node: YamlNode;
  readonly given: ReadonlySet<string>;
}
const hasAny = (given: ReadonlySet<string>, keys: string): boolean => keys.split('|').some((key) => given.has(key));

export function readForeign(decoder: ConfigDecoder, node: YamlNode, type: string, index: number): ForeignDraft {
  const { keys, must = [], sendResolved } = FOREIGN[type] as Foreign;
  const given = new Set<string>();
  const note = (key: string) => (at: YamlNode) => {
    if (at.kind !== 'scalar' || at.text !== '') given.add(key);
    // Of these two it is any text.
    if (/^(?:api_url|webhook_url|url)$/.test(key) && type !== 'pushover' && type !== 'sns') decoder.as.secretUrl(at);
  };
  const got = decoder.struct(
    node,
    {
      ...Object.fromEntries(keys.split(' ').map((key) => [key, note(key)])),
      send_resolved: decoder.as.boolean,
      http_config: (at: YamlNode) => readHttp(decoder, at),
    },
    () => {
      for (const rule of must) {
        const [wanted, words] = rule.split(/: (.*)/s) as [string, string];
        const isMet = wanted.includes('&') ? wanted.split('&').some((key) => !given.has(key)) : hasAny(given, wanted);
        if (!isMet) fail(node, words);
      }
    },
  );
  const integration: ForeignIntegration = {
    ...{ kind: 'foreign', type, index, line: node.line },
    sendResolved: (got['send_resolved'] as boolean | undefined) ?? sendResolved ?? true,
  };
  return { integration, node, given };
}
/** @param global keys of the file's `global` that say something */
export function checkForeign({ integration, node, given }: ForeignDraft, global: ReadonlySet<string>): void {
  for (const [type, own, shared, words] of GLOBALS)
    if (type === integration.type && !hasAny(given, own) && !hasAny(global, shared)) fail(node, words);
}

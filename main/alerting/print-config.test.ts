import { expect, it } from 'vitest';
import { readAlertmanagerConfig } from './load-config.ts';

it('a configuration is shown without what is secret, and is one again', () => {
  const { problems, text } = readAlertmanagerConfig(`
global:
  smtp_smarthost: mail:25
  smtp_from: a@b
  smtp_auth_password: hunter2
  slack_api_url: 'http://slack/hunter2'
  http_config:
    proxy_url: 'http://me:hunter2@proxy:3128'
    basic_auth: {username: me, password: hunter2}
    http_headers: {X-Token: {secrets: [hunter2]}, X-Open: {values: [open]}}
    tls_config: {cert_file: c.pem, key: "-----BEGIN hunter2"}
route: {receiver: a, routes: [{matchers: ['x="y"'], group_by: []}]}
receivers:
- name: a
  webhook_configs: [{url: 'http://hook/hunter2'}]
  slack_configs: [{channel: '#a'}]
  email_configs: [{to: c@d, auth_secret: hunter2}]
  pagerduty_configs: [{routing_key: hunter2}]
  telegram_configs: [{bot_token: hunter2, chat_id: 3}]
`);
  expect(problems).toEqual([]);
  expect(text).not.toContain('hunter2');
  expect(text).toContain('proxy_url: "http://<secret>@proxy:3128"');
  const again = readAlertmanagerConfig(text.replace('url: <secret>', 'url: "http://hook"'));
  expect(again.problems.map(({ message }) => message)).toEqual([]);
});

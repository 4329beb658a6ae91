import type { Integration } from '#query/alerting/config.ts';
import { type Attempt, failed } from './attempt.ts';
import { sendMail } from './send-mail.ts';
import { sendSyslog } from './send-syslog.ts';
import { type SendOptions, sendWebhook } from './send-webhook.ts';
import type { Message } from './webhook-payload.ts';

/** One try to bring a message to an integration that is not of this desktop. Never rejects. */
export async function sendTo(
  integration: Integration,
  message: Message,
  options: SendOptions & { readonly nowMs: () => number },
): Promise<Attempt> {
  switch (integration.kind) {
    case 'webhook':
      return sendWebhook(integration, message, options);
    case 'email':
      return sendMail(integration, message, options);
    case 'syslog':
      return sendSyslog(integration, message, options);
    default:
      return failed(`${integration.kind} is not delivered to`, false);
  }
}

import type { Integration } from '#query/alerting/config.ts';
import type { Message } from '#query/alerting/message.ts';
import { type Attempt, failed } from './attempt.ts';
import { type MailOptions, sendMail } from './send-mail.ts';
import { sendSyslog } from './send-syslog.ts';
import { sendWebhook } from './send-webhook.ts';

/** One try to bring a message to an integration that is not of this desktop. Never rejects. */
export async function sendTo(integration: Integration, message: Message, options: MailOptions): Promise<Attempt> {
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

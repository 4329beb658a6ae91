import type { WebhookIntegration } from '#query/alerting/config.ts';
import type { Message } from '#query/alerting/message.ts';
import { type Attempt, DELIVERED, failed } from './attempt.ts';
import { httpPost, secretOf } from './http-post.ts';
import { webhookPayload } from './webhook-payload.ts';

export interface SendOptions {
  readonly folder: string;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}
/** Of one request, where the configuration says none: a group's turn may be hours away. */
const TIMEOUT_MS = 30_000;

/** Never rejects. Tried again after 5xx, 429 and failures of the network; another answer than 2xx is final. */
export async function sendWebhook(to: WebhookIntegration, message: Message, options: SendOptions): Promise<Attempt> {
  try {
    const url = secretOf(to.url, options.folder);
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      return failed('the address is not an http:// or https:// URL', false);
    const answer = await httpPost({
      ...options,
      url,
      body: webhookPayload(message, to.maxAlerts),
      http: to.http,
      headers: { 'user-agent': `Faultline/${options.version}` },
      timeoutMs: to.timeoutMs || TIMEOUT_MS,
    });
    return judge(answer);
  } catch (error) {
    return failed((error as Error).message, true);
  }
}
export function judge({ status, text, retryAfterMs }: { status: number; text: string; retryAfterMs: number | null }): Attempt {
  if (status >= 200 && status < 300) return { ...DELIVERED, status };
  const said = text.replace(/\s+/g, ' ').trim().slice(0, 200);
  const isPassing = status >= 500 || status === 429;
  return { ...failed(`HTTP ${status}${said === '' ? '' : `: ${said}`}`, isPassing, status), retryAfterMs };
}

import type { EmailIntegration } from '#query/alerting/config.ts';
import type { Message } from '#query/alerting/message.ts';
import type { NotificationTemplates } from '#query/alerting/templates/templates.ts';
import { type Attempt, DELIVERED, failed } from './attempt.ts';
import { secretOf, tlsOptions } from './http-post.ts';
import { mailText, oneLine } from './mail-text.ts';
import type { SendOptions } from './send-webhook.ts';

export interface MailOptions extends SendOptions {
  readonly templates: NotificationTemplates;
  readonly nowMs: () => number;
}
const TIMEOUT_MS = 30_000;
/** Submission by TLS from the first byte. */
const TLS_PORT = 465;
interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
}
/** One mail. Never rejects. Tried again unless the server says that it never will take it (5xx). */
export async function sendMail(
  to: EmailIntegration,
  message: Message,
  { folder, signal, onBytes, templates, nowMs }: MailOptions,
): Promise<Attempt> {
  try {
    const { createTransport } = await import('nodemailer');
    const { host, port } = to.smarthost;
    const secret = secretOf(to.authSecret, folder);
    const password = secret || secretOf(to.authPassword, folder);
    const transport = createTransport({
      ...{ host, port, secure: port === TLS_PORT, name: to.hello || 'localhost', tls: tlsOptions(to.tls, folder) },
      // As Alertmanager: encrypted, or not at all where the file says so.
      ...{ requireTLS: to.requireTls && port !== TLS_PORT, ignoreTLS: !to.requireTls },
      ...(to.authUsername === '' ? {} : { auth: { user: to.authUsername, pass: password } }),
      ...(secret === '' ? {} : { authMethod: 'CRAM-MD5' }),
      ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
      // Nothing of an alert is ever taken for a path or an address to read.
      ...{ disableFileAccess: true, disableUrlAccess: true },
    });
    const stop = (): void => transport.close();
    signal.addEventListener('abort', stop);
    const { subject, text, html, headers, problem } = mailText(to, message, templates, nowMs());
    const { From, To, ...others } = Object.fromEntries(headers);
    try {
      const sent = await transport.sendMail({
        ...{ from: From ?? to.from, to: To ?? to.to, envelope: { from: to.from, to: to.to }, subject },
        ...(text === '' ? {} : { text }),
        ...(html === '' ? {} : { html }),
        headers: { 'Auto-Submitted': 'auto-generated', ...others },
      });
      onBytes(sent.messageSize ?? Buffer.byteLength(text) + Buffer.byteLength(html));
      const refused = sent.rejected.map(String);
      const remarks = [...(refused.length > 0 ? [`refused for ${refused.join(', ')}`] : []), ...(problem === '' ? [] : [problem])];
      // Who took it is not told again for the sake of others.
      return { ...DELIVERED, status: statusOf(sent.response), error: remarks.join('; ') };
    } finally {
      signal.removeEventListener('abort', stop);
      transport.close();
    }
  } catch (error) {
    const { message: says, responseCode } = error as SmtpError;
    return failed(oneLine(says), responseCode === undefined || responseCode < 500, responseCode ?? null);
  }
}
const statusOf = (response: string): number | null => Number(/^\d{3}/.exec(response)?.[0] ?? Number.NaN) || null;

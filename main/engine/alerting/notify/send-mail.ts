import type { EmailIntegration } from '#query/alerting/config.ts';
import { type Attempt, DELIVERED, failed } from './attempt.ts';
import { secretOf, tlsOptions } from './http-post.ts';
import { mailText, oneLine } from './mail-text.ts';
import type { SendOptions } from './send-webhook.ts';
import type { Message } from './webhook-payload.ts';

const TIMEOUT_MS = 30_000;
/** Submission by TLS from the first byte. */
const TLS_PORT = 465;
interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
}
/** Headers a configuration may set beside ours. Templates are not used: see docs/limits.md. */
function headersOf({ headers }: EmailIntegration): Record<string, string> {
  const own = [...headers].filter(([name, value]) => !['Subject', 'From', 'To'].includes(name) && !value.includes('{{'));
  return { 'Auto-Submitted': 'auto-generated', ...Object.fromEntries(own.map(([name, value]) => [name, oneLine(value)])) };
}
const written = (text: string | undefined): string | null => (text === undefined || text.includes('{{') ? null : oneLine(text));

/** One mail. Never rejects. Tried again unless the server says that it never will take it (5xx). */
export async function sendMail(to: EmailIntegration, message: Message, { folder, signal, onBytes }: SendOptions): Promise<Attempt> {
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
    const { subject, text, html } = mailText(message);
    try {
      const sent = await transport.sendMail({
        ...{ from: written(to.headers.get('From')) ?? to.from, to: written(to.headers.get('To')) ?? to.to },
        ...{ envelope: { from: to.from, to: to.to }, subject: written(to.headers.get('Subject')) ?? subject, text, html },
        headers: headersOf(to),
      });
      onBytes(sent.messageSize ?? Buffer.byteLength(text) + Buffer.byteLength(html));
      const refused = sent.rejected.map(String);
      // Who took it is not told again for the sake of others.
      return { ...DELIVERED, status: statusOf(sent.response), error: refused.length > 0 ? `refused for ${refused.join(', ')}` : '' };
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

import type { EmailIntegration } from '#query/alerting/config.ts';
import type { Message } from '#query/alerting/message.ts';
import { MAIL_HTML, MAIL_TEXT, SUBJECT } from '#query/alerting/templates/default-templates.ts';
import { BUILT_IN, type NotificationTemplates } from '#query/alerting/templates/templates.ts';
import { TemplateError } from '#query/rules/template-ast.ts';

/** One line, whatever a label holds: a header ends at a line's end. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
const MAX_SUBJECT = 300;

/** What a notification is called where the configuration says nothing: Alertmanager's default subject, [FIRING:2] HighErr a (critical). */
export const titleOf = (message: Message, nowMs: number): string => oneLine(BUILT_IN.text(SUBJECT, message, nowMs)).slice(0, MAX_SUBJECT);

export interface MailText {
  readonly subject: string;
  /** '': the mail has no such part. */
  readonly text: string;
  readonly html: string;
  /** By name, in canonical form; From and To among them where they are said. */
  readonly headers: ReadonlyMap<string, string>;
  /** Why a template of the configuration was left out: who is on call is told all the same, in the words built in. */
  readonly problem: string;
}
/** A mail by the templates of its receiver, or by those built in. */
export function mailText(
  { html, text, headers }: Pick<EmailIntegration, 'html' | 'text' | 'headers'>,
  message: Message,
  templates: NotificationTemplates,
  nowMs: number,
): MailText {
  const problems: string[] = [];
  const made = (how: 'text' | 'html', template: string, instead: string | null): string => {
    try {
      return templates[how](template, message, nowMs);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      problems.push(error.message);
      return instead === null ? '' : BUILT_IN[how](instead, message, nowMs);
    }
  };
  const subject = oneLine(made('text', headers.get('Subject') ?? SUBJECT, SUBJECT)).slice(0, MAX_SUBJECT);
  const others = [...headers].flatMap(([name, template]): [string, string][] => {
    if (name === 'Subject') return [];
    const value = oneLine(made('text', template, null));
    return value === '' ? [] : [[name, value]];
  });
  return {
    subject,
    text: made('text', text ?? (html === null ? MAIL_TEXT : ''), MAIL_TEXT),
    html: made('html', html ?? MAIL_HTML, MAIL_HTML),
    headers: new Map(others),
    problem: problems.join('; '),
  };
}

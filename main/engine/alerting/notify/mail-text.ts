import { escapeHtml } from '#exporters/html/escape-html.ts';
import type { FlushAlert } from '#query/alerting/dispatcher.ts';
import { entriesOf } from '#query/promql/labels.ts';
import { subjectOf } from './subject.ts';
import { goTime, type Message } from './webhook-payload.ts';

/** Alerts one mail tells in full; of the rest their number. */
const MAX_ALERTS = 100;
/** One line, whatever a label holds: a header ends at a line's end. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
const MAX_SUBJECT = 300;

export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}
export function mailText({ groupLabels, alerts, externalUrl }: Message): MailText {
  const subject = oneLine(subjectOf(groupLabels, alerts)).slice(0, MAX_SUBJECT);
  const told = alerts.slice(0, MAX_ALERTS);
  const left = alerts.length - told.length;
  const more = left > 0 ? `${left} more alerts are not listed.` : '';
  const text = [...told.map(textOf), ...(more === '' ? [] : [more]), `Sent by Faultline: ${externalUrl}/alerts`].join('\n\n');
  const html = `<!DOCTYPE html><html><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body style="font-family:sans-serif;font-size:14px">
<h2 style="font-size:16px">${escapeHtml(subject)}</h2>
${told.map(htmlOf).join('\n')}
${more === '' ? '' : `<p>${escapeHtml(more)}</p>`}
<p style="color:#666">Sent by <a href="${escapeHtml(externalUrl)}/alerts">Faultline</a></p></body></html>`;
  return { subject, text: `${subject}\n\n${text}\n`, html };
}
function factsOf({ alert, status }: FlushAlert): (readonly [string, string])[] {
  return [
    ['since', goTime(alert.startsAtMs)],
    ...(status === 'resolved' ? [['until', goTime(alert.endsAtMs)] as const] : []),
    ...[...alert.annotations].sort(([a], [b]) => (a < b ? -1 : 1)),
    ...entriesOf(alert.labels),
  ];
}
const linkOf = ({ alert }: FlushAlert): string => (/^https?:\/\//i.test(alert.generatorUrl) ? alert.generatorUrl : '');
function textOf(each: FlushAlert): string {
  const facts = factsOf(each).map(([name, value]) => `  ${oneLine(name)}: ${value.replace(/\s*\n\s*/g, '\n    ')}`);
  const link = linkOf(each);
  return [each.status.toUpperCase(), ...facts, ...(link === '' ? [] : [`  source: ${link}`])].join('\n');
}
function htmlOf(each: FlushAlert): string {
  const colour = each.status === 'firing' ? '#b3261e' : '#1b6e3c';
  const rows = factsOf(each).map(
    ([name, value]) =>
      `<tr><td style="color:#666;padding:1px 12px 1px 0;vertical-align:top">${escapeHtml(name)}</td><td style="white-space:pre-wrap">${escapeHtml(value)}</td></tr>`,
  );
  const link = linkOf(each);
  const source = link === '' ? '' : `<p><a href="${escapeHtml(link)}">Source</a></p>`;
  return `<div style="border-left:4px solid ${colour};padding:4px 12px;margin:12px 0"><b style="color:${colour}">${each.status.toUpperCase()}</b><table>${rows.join('')}</table>${source}</div>`;
}

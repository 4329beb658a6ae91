import type { Evidence, Incident, SpokenWindow } from '#contracts/judgement.ts';
import { minuteText, type Zone } from '../../lib/format.ts';
import { word } from '../../lib/say.ts';
import { m } from '../../paraglide/messages.js';
import { anomalyFigures, symptomOf } from './incident-model.ts';

/** The incident in one sentence, in the reader's language and time zone. */
export function headline(incident: Incident, zone: Zone): string {
  const symptom = symptomOf(incident);
  if (!symptom) return incident.title;
  const what = { service: symptom.subject.service, kind: word('signal', symptom.kind), at: minuteText(incident.onsetMs, zone) };
  const seen = minuteText(symptom.untilMs, zone);
  return m.headline({ ...what, seen, ...anomalyFigures(symptom) });
}
/** The lead sentence on the cause: how sure, which kind, where. */
export function causeSentence(incident: Incident): string {
  const first = incident.rca?.candidates[0];
  if (!incident.rca || !first) return incident.rca ? m.cause_none() : m.cause_pending();
  const params = { service: first.service, kind: word('cause', first.kind) };
  return { confirmed: m.cause_confirmed(params), likely: m.cause_likely(params), inconclusive: m.cause_inconclusive(params) }[
    incident.rca.verdict
  ];
}
/** Of which windows the figures of an evidence row are: "09:14–09:20"; null where the row does not say. */
export function overOf({ over }: Evidence, zone: Zone): { readonly window: string; readonly baseline: string } | null {
  const text = ({ start, end }: SpokenWindow): string => `${minuteText(Date.parse(start), zone)}–${minuteText(Date.parse(end), zone)}`;
  return over === undefined ? null : { window: text(over.window), baseline: text(over.baseline) };
}
/** The same of rows that were judged together, in words; '' where none says. */
export function overText(rows: readonly Evidence[], zone: Zone): string {
  const first = rows.find(({ over }) => over !== undefined);
  const over = first ? overOf(first, zone) : null;
  return over === null ? '' : m.evidence_over(over);
}

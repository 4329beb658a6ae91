import type { Delivery } from '#contracts/alerting.ts';
import { word } from '../../lib/say.ts';
import { m } from '../../paraglide/messages.js';

/** How many of each kind; a kind there is none of is not named. */
export const toldText = (firing: number, resolved: number): string =>
  [
    ...(firing > 0 || resolved === 0 ? [m.alerts_told_firing({ count: firing })] : []),
    ...(resolved > 0 ? [m.alerts_told_resolved({ count: resolved })] : []),
  ].join(', ');
/** What became of a turn of a group, in a sentence. */
export function turnText({ outcome, why, reason, firing, resolved, targets, receiver }: Delivery): string {
  const told = toldText(firing, resolved);
  const reasons = word('alerts_reason', reason.replaceAll('-', '_'));
  if (outcome === 'silent') return m.alerts_turn_silent({ why: word('alerts_silent', why ?? 'nothing_new') });
  const failed = targets.find((target) => target.outcome === 'failed');
  const error = failed?.attempts[0]?.error ?? '';
  if (outcome === 'failed') return m.alerts_turn_failed({ receiver, error: error || (failed?.name ?? '') });
  if (outcome === 'sending') return m.alerts_turn_sending({ receiver, told });
  return m.alerts_turn_sent({ receiver, told, reason: reasons });
}
export const groupText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => (name === 'alertname' ? value : `${name}=${value}`))
    .join('  ');

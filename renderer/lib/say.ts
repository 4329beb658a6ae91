import { REASONS, type ReasonCode } from '#contracts/reasons.ts';
import { m } from '../paraglide/messages.js';
import { getLocale } from '../paraglide/runtime.js';

type Messages = Readonly<Record<string, ((params: Record<string, unknown>) => string) | undefined>>;
const messages = m as unknown as Messages;
type Params = Readonly<Record<string, string | number>>;
type Spoken = { readonly says: string; readonly messageKey: string; readonly params: Params };

/** How long before the trouble a change came, in words; part of the sentences about changes. */
const leadOf = ({ seconds }: Params): Record<string, string> =>
  typeof seconds !== 'number' ? {} : { lead: seconds >= 0 ? m.lead_before({ seconds }) : m.lead_as() };

/** What fills the gaps: words of closed lists in the reader's language. */
const gapsOf = (params: Params): Record<string, unknown> => ({
  ...params,
  ...leadOf(params),
  ...(typeof params['verdict'] === 'string' ? { verdict: word('verdict', params['verdict']) } : {}),
});

/** A sentence the engine made: its own English, or our words for its key. A key or a gap we do not know stays English. */
export function say(spoken: Spoken): string {
  if (getLocale() === 'en') return spoken.says;
  const ours = messages[spoken.messageKey]?.(gapsOf(spoken.params));
  return ours === undefined || ours.includes('undefined') ? spoken.says : ours;
}
/** A word of a closed list: "kind_bad_deploy"; the code itself when the list has grown. */
export const word = (list: string, code: string): string => messages[`${list}_${code}`]?.({}) ?? code.replaceAll('_', ' ');
/** Why something was refused, dropped or repaired, and what to do. */
export function reasonText(code: string): { says: string; todo: string } {
  const known = REASONS[code as ReasonCode] as { says: string; todo: string } | undefined;
  if (getLocale() === 'en') return { says: known?.says ?? code, todo: known?.todo ?? '' };
  const [says, todo] = (messages[`reason_${code}`]?.({}) ?? '').split('|');
  return { says: says || known?.says || code, todo: todo?.trim() || known?.todo || '' };
}

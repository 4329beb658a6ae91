import { m } from '../../paraglide/messages.js';
import { getLocale } from '../../paraglide/runtime.js';

type Messages = Readonly<Record<string, ((params: Record<string, never>) => string) | undefined>>;
export interface Gap {
  readonly code: string;
  readonly says: string;
  readonly todo: string;
}
/** What is missing or assumed and what to do, in the person's language: "says | todo" under `list_code`; else the engine's English. */
export function gapText(list: 'gap' | 'assumed', said: Gap): { says: string; todo: string } {
  if (getLocale() === 'en') return said;
  const ours = (m as unknown as Messages)[`${list}_${said.code}`]?.({});
  const [says, todo] = (ours ?? '').split('|');
  return says ? { says: says.trim(), todo: (todo ?? '').trim() } : said;
}

import { ERRORS, type ErrorCode } from '#contracts/errors.ts';
import { bytesText } from '#contracts/figure-text.ts';
import type { Recognition } from '#contracts/import-files.ts';
import type { MigrationNews } from '#contracts/migration.ts';
import { REASONS, type ReasonCode } from '#contracts/reasons.ts';
import { m } from '../paraglide/messages.js';
import { getLocale } from '../paraglide/runtime.js';
import { ApiError } from './api.ts';

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
  const { says, todo } = ours('reason', code);
  return { says: says || known?.says || code, todo: todo || known?.todo || '' };
}
/** "says|todo" of a message. */
function ours(list: string, code: string): { says: string; todo: string } {
  const [says = '', todo = ''] = (messages[`${list}_${code}`]?.({}) ?? '').split('|');
  return { says: says.trim(), todo: todo.trim() };
}

/** What the API says of a failure (contracts/errors.ts), a warning of the state among it. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly todo: string;
}
/**
 * A failure in the reader's language. In English the engine's own sentence, which names the thing; else ours for its code, and
 * the engine's as the detail, where it says more than the catalogue.
 */
export function failureText({ code, message, todo }: Failure): { says: string; detail: string; todo: string } {
  if (code === 'away') return { says: m.error_away(), detail: '', todo: m.error_away_todo() };
  const known = code in ERRORS ? ERRORS[code as ErrorCode] : REASONS[code as ReasonCode];
  const words = ours(code in ERRORS ? 'error' : 'reason', code);
  if (getLocale() === 'en' || words.says === '') return { says: message, detail: '', todo };
  return { says: words.says, detail: message === known?.says ? '' : message, todo: words.todo };
}
/** The same in one line. */
export function failureLine(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { says, detail } = failureText(error);
  return detail === '' ? says : m.failure_with_detail({ says, detail });
}
/** Why no format was told of a file; what a decompressor says of it stays its own. */
export function unknownText({ why, says }: Pick<Recognition, 'why' | 'says'>): string {
  if (getLocale() === 'en') return says;
  const ours = messages[`import_why_${why}`]?.({}) ?? says;
  return why === 'compression' ? m.failure_with_detail({ says: ours, detail: says }) : ours;
}
/** How far a data file is on its way to the layout of this version. */
export function migrationText({ state, table, part, seconds, bytes, ...file }: MigrationNews): string {
  const what = m.migration_file({ ...file, bytes: bytesText(bytes) });
  if (state === 'copying') return m.migration_copying({ what });
  const share = part === null || table === '' ? '' : m.migration_share({ table, percent: Math.round(part * 100) });
  return m.migration_changing({ what, seconds, share });
}

import { m } from '../../paraglide/messages.js';
import { getLocale } from '../../paraglide/runtime.js';
import { type Problem, plainWords } from './problem-place.ts';

type Messages = Readonly<Record<string, ((params: Record<string, unknown>) => string) | undefined>>;
const messages = m as unknown as Messages;

/** Plain words for what Prometheus says; '' where there are none. */
export function plainText(message: string): string {
  const words = plainWords(message);
  return words === null ? '' : (messages[words.key]?.(words.params) ?? '');
}
/** Ours first, the server's own behind it where it says more. */
export function problemText({ message, severity }: Pick<Problem, 'message' | 'severity'>): string {
  const ours = plainText(message);
  if (ours === '' || severity !== 'error') return ours === '' ? message : ours;
  return getLocale() === 'en' ? `${ours} (${message})` : `${ours}（${message}）`;
}

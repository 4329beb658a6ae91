/** Keys of the whole console. Pure: a press goes in, what it means comes out. */
export interface KeyPress {
  readonly key: string;
  readonly ctrl: boolean;
  readonly alt: boolean;
  /** The person is typing into a field. */
  readonly typing: boolean;
}
export type Command =
  | {
      readonly do: 'go';
      readonly page:
        | 'now'
        | 'incidents'
        | 'traces'
        | 'logs'
        | 'metrics'
        | 'promql'
        | 'services'
        | 'alerts'
        | 'slo'
        | 'cost'
        | 'volume'
        | 'sources'
        | 'settings';
    }
  | { readonly do: 'search' | 'sheet' | 'palette' | 'earlier' | 'later' | 'live' | 'theme' | 'wall' };
const GO: Readonly<Record<string, Command>> = {
  n: { do: 'go', page: 'now' },
  i: { do: 'go', page: 'incidents' },
  e: { do: 'go', page: 'traces' },
  t: { do: 'go', page: 'traces' },
  l: { do: 'go', page: 'logs' },
  m: { do: 'go', page: 'metrics' },
  q: { do: 'go', page: 'promql' },
  s: { do: 'go', page: 'services' },
  a: { do: 'go', page: 'alerts' },
  b: { do: 'go', page: 'slo' },
  c: { do: 'go', page: 'cost' },
  v: { do: 'go', page: 'volume' },
  o: { do: 'go', page: 'sources' },
  ',': { do: 'go', page: 'settings' },
};
const SINGLE: Readonly<Record<string, Command>> = {
  '/': { do: 'search' },
  '?': { do: 'sheet' },
  '[': { do: 'earlier' },
  ']': { do: 'later' },
  t: { do: 'live' },
  w: { do: 'wall' },
};
/** Second half of "g then ..." must come within this time. */
export const CHORD_MS = 1_200;

/** `lead`: "g" was pressed just before. Answers the command, or 'lead' to wait for the second key, or null. */
export function meaningOf(press: KeyPress, lead: boolean): Command | 'lead' | null {
  if (press.ctrl && press.key.toLowerCase() === 'k') return { do: 'palette' };
  if (press.typing || press.ctrl || press.alt) return null;
  if (lead) return GO[press.key] ?? null;
  return press.key === 'g' ? 'lead' : (SINGLE[press.key] ?? null);
}

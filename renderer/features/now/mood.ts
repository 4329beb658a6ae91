export type Mood = 'wrong' | 'silent' | 'failing' | 'calm';
/**
 * What Now says first. Silence is not health: without a service there is nothing to call calm. Nor is a window in which
 * services failed: an incident may have been resolved by hand, or not be opened yet.
 */
export function moodOf(now: { readonly open: number; readonly services: number; readonly troubled: number }): Mood {
  if (now.open > 0) return 'wrong';
  if (now.services === 0) return 'silent';
  return now.troubled > 0 ? 'failing' : 'calm';
}

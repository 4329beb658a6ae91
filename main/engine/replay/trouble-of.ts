import type { Incident } from '#contracts/judgement.ts';
import type { Trouble } from '#query/rules/replay/compare.ts';

/** Those that began before a window and go on in it are of it. */
export const troubleOf = ({ id, title, onsetMs, openedMs, resolvedMs }: Incident): Trouble => ({
  ...{ id, title, startMs: onsetMs, noticedMs: openedMs, endMs: resolvedMs },
});

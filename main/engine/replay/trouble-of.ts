import type { Incident } from '#contracts/judgement.ts';
import type { Trouble } from '#query/rules/replay/compare.ts';

/** What of an incident alerts are compared with. */
export type OnRecord = Pick<Incident, 'id' | 'title' | 'onsetMs' | 'openedMs' | 'resolvedMs' | 'acknowledgedMs' | 'services'>;
export const onRecord = ({ id, title, onsetMs, openedMs, resolvedMs, acknowledgedMs, services }: Incident): OnRecord => ({
  ...{ id, title, onsetMs, openedMs, resolvedMs, acknowledgedMs, services },
});
/** Those that began before a window and go on in it are of it. */
export const troubleOf = ({ id, title, onsetMs, openedMs, resolvedMs }: OnRecord): Trouble => ({
  ...{ id, title, startMs: onsetMs, noticedMs: openedMs, endMs: resolvedMs },
});

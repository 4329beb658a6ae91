import type { Destination, ForwardFile } from '#contracts/forwarding.ts';
import type { Settings } from '#contracts/settings.ts';
import { readForwardFile } from '#exporters/forward/forward-state.ts';

/** Destinations of the configuration first; one of the page with the same name does not count. */
export function destinationsOf(settings: Pick<Settings, 'forward'>, file: ForwardFile): readonly Destination[] {
  const names = new Set(settings.forward.map(({ name }) => name));
  return [...settings.forward, ...file.destinations.filter(({ name }) => !names.has(name))];
}
/** @throws when the file of destinations cannot be read */
export const hasDestinations = (settings: Pick<Settings, 'forward' | 'dataDir'>): boolean =>
  destinationsOf(settings, readForwardFile(settings.dataDir)).length > 0;

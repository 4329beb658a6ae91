import type { State } from '#contracts/console-api.ts';

/** What the tray shows. `engine away` is said even though the API cannot be asked then. */
export interface TrayState {
  readonly icon: 'calm' | 'incident' | 'away';
  readonly tooltip: string;
}
export function describeTray(state: Pick<State, 'openIncidents' | 'rates' | 'totals'> | null): TrayState {
  if (state === null) return { icon: 'away', tooltip: 'Faultline: the engine is starting again; telemetry is still received' };
  const perSecond = Math.round(state.rates.traces + state.rates.logs + state.rates.metrics);
  const dropped = state.totals.refused + state.totals.dropped;
  const rate = `${perSecond} items/s${dropped > 0 ? `, ${dropped} refused or dropped` : ''}`;
  if (state.openIncidents === 0) return { icon: 'calm', tooltip: `Faultline: no open incident, ${rate}` };
  return { icon: 'incident', tooltip: `Faultline: ${state.openIncidents} open incident${state.openIncidents === 1 ? '' : 's'}, ${rate}` };
}

/** Notifications of alerts to show: those that came since the shell looked first, once each, unless the window is in front already. */
export function noticesToShow<T extends { readonly id: string; readonly kind: string }>(
  notices: readonly T[],
  seen: ReadonlySet<string> | null,
  windowInFront: boolean,
): readonly T[] {
  return seen === null || windowInFront ? [] : notices.filter(({ id, kind }) => kind === 'desktop' && !seen.has(id));
}

/** Incidents to tell the person about: newly open ones, once each, unless the window is in front already. */
export function toNotify<T extends { readonly id: string; readonly status: string }>(
  incidents: readonly T[],
  told: ReadonlySet<string>,
  windowInFront: boolean,
): readonly T[] {
  return windowInFront ? [] : incidents.filter((incident) => incident.status === 'open' && !told.has(incident.id));
}

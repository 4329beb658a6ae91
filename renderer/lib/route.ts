/** URL <-> screen. The URL holds what a person asked for, nothing else; defaults are never written. */
export const PAGES = [
  'now',
  'incidents',
  'traces',
  'logs',
  'metrics',
  'promql',
  'services',
  'alerts',
  'slo',
  'cost',
  'volume',
  'sources',
  'settings',
] as const;
export type Page = (typeof PAGES)[number];
export interface Route {
  /** 'nowhere': there is no page at this address. */
  readonly page: Page | 'nowhere';
  /** Incident, trace or objective id. */
  readonly id: string | null;
  /** Part of an incident that has a screen of its own. */
  readonly part?: 'postmortem';
}
const PATHS: Readonly<Record<Page, string>> = {
  now: '/',
  incidents: '/incidents',
  traces: '/explore/traces',
  logs: '/explore/logs',
  metrics: '/explore/metrics',
  promql: '/explore/promql',
  services: '/services',
  alerts: '/alerts',
  slo: '/slo',
  cost: '/cost',
  volume: '/volume',
  sources: '/sources',
  settings: '/settings',
};
/** Kept when going from screen to screen. */
const KEPT = ['from', 'to', 'wall'];

/** Path of a page, or of one thing on it. */
export const pathOf = (page: Page, id: string | null = null, part?: Route['part']): string =>
  id === null ? PATHS[page] : `${PATHS[page]}/${encodeURIComponent(id)}${part === undefined ? '' : `/${part}`}`;

export function parseRoute(pathname: string): Route {
  const path = pathname.replace(/\/+$/, '') || '/';
  for (const page of PAGES) {
    if (path === PATHS[page]) return { page, id: null };
    if ((page === 'incidents' || page === 'traces' || page === 'slo') && path.startsWith(`${PATHS[page]}/`)) {
      const [id = '', part] = path.slice(PATHS[page].length + 1).split('/');
      if (page === 'incidents' && part === 'postmortem') return { page, id: decode(id), part };
      return { page, id: decode(path.slice(PATHS[page].length + 1)) };
    }
  }
  return { page: path === '/explore' ? 'traces' : 'nowhere', id: null };
}
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
export type Params = Readonly<Record<string, string | number | null | undefined>>;
/** Address of a page with its parameters; the time window goes along. Empty values are left out. */
export function hrefOf(path: string, params: Params, current: URLSearchParams): string {
  const next = new URLSearchParams();
  for (const name of KEPT) {
    const value = current.get(name);
    if (value !== null) next.set(name, value);
  }
  return withParams(path, next, params);
}
/** Address of the same page with some parameters changed. */
export const changedHref = (path: string, params: Params, current: URLSearchParams): string =>
  withParams(path, new URLSearchParams(current), params);

function withParams(path: string, next: URLSearchParams, params: Params): string {
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  const text = next.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** faultline://incident/ID and friends -> path of the console; null for anything else. Input is untrusted. */
const ROUTES: Readonly<Record<string, (rest: string) => string | null>> = {
  now: () => '/',
  incident: (id) => (/^[\w-]{1,80}$/.test(id) ? `/incidents/${id}` : null),
  trace: (id) => (/^[0-9a-f]{32}$/i.test(id) ? `/explore/traces/${id.toLowerCase()}` : null),
  services: () => '/services',
  sources: () => '/sources',
};

export function parseDeepLink(url: string): string | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  if (parsed.protocol !== 'faultline:') return null;
  // A name such as "constructor" is no page.
  const route = Object.hasOwn(ROUTES, parsed.hostname) ? ROUTES[parsed.hostname] : undefined;
  return route?.(parsed.pathname.replace(/^\//, '').replace(/\/$/, '')) ?? null;
}

/** A second instance hands over its command line; a link in it is what the person clicked. */
export const deepLinkIn = (argv: readonly string[]): string | null => argv.map(parseDeepLink).find((path) => path !== null) ?? null;

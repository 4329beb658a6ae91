import { changedHref, hrefOf, type Page, type Params, parseRoute, pathOf, type Route } from './route.ts';

/** push: the back button returns here. replace: a refinement not worth a step. */
export type How = 'push' | 'replace';

class Location {
  private path = $state(window.location.pathname);
  private query = $state(window.location.search);
  readonly params = $derived(new URLSearchParams(this.query));
  readonly route = $derived(parseRoute(this.path));

  param(name: string): string {
    return this.params.get(name) ?? '';
  }
  /** Address for a link to another screen. */
  href(page: Page, params: Params = {}, id: string | null = null, part?: Route['part']): string {
    return hrefOf(pathOf(page, id, part), params, this.params);
  }
  go(page: Page, params: Params = {}, id: string | null = null): void {
    this.open(this.href(page, params, id), 'push');
  }
  /** Changes parameters of this screen. */
  set(params: Params, how: How): void {
    this.open(changedHref(this.path, params, this.params), how);
  }
  open(href: string, how: How): void {
    if (href === this.path + this.query) return;
    if (how === 'push') window.history.pushState(null, '', href);
    else window.history.replaceState(null, '', href);
    this.read();
  }
  read(): void {
    this.path = window.location.pathname;
    this.query = window.location.search;
  }
  /** Links of the page stay in the page; those meant for a new window or elsewhere are left alone. */
  readonly follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link?.target !== '' || link.hasAttribute('download') || link.origin !== window.location.origin) return;
    event.preventDefault();
    this.open(link.pathname + link.search, 'push');
  };
}
/** Where the person is. */
export const location = new Location();

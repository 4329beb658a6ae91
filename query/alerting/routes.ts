import type { Labels } from '#query/promql/labels.ts';
import type { Route } from './config.ts';
import { matchesAll } from './matcher.ts';
import { MatcherIndex } from './matcher-index.ts';

interface Branch {
  readonly route: Route;
  readonly children: MatcherIndex<Branch>;
}
/** Finds the routes of a set of labels, as dispatch.Route.Match does: depth first, the first match unless it says `continue`. */
export class RouteTree {
  private readonly root: Branch;

  constructor(root: Route) {
    this.root = branchOf(root);
  }
  match(labels: Labels): Route[] {
    const found: Route[] = [];
    if (matchesAll(this.root.route.matchers, labels)) collect(this.root, labels, found);
    return found;
  }
}
function branchOf(route: Route): Branch {
  return { route, children: new MatcherIndex(route.routes.map(branchOf), (child) => child.route.matchers) };
}
function collect({ route, children }: Branch, labels: Labels, into: Route[]): void {
  const before = into.length;
  for (const child of children.matching(labels)) {
    collect(child, labels, into);
    if (!child.route.continue) break;
  }
  if (into.length === before) into.push(route);
}
/** Below each of the routes alerts take now, one for some of them that groups them otherwise and is as that route in all else. */
export function regrouped(route: Route, taken: ReadonlySet<Route>, matchers: Route['matchers'], groupBy: readonly string[]): Route {
  const own: Route = { ...route, matchers, groupBy, routes: [], continue: false, key: `${route.key}/noise` };
  const routes = route.routes.map((each) => regrouped(each, taken, matchers, groupBy));
  return { ...route, routes: taken.has(route) ? [own, ...routes] : routes };
}

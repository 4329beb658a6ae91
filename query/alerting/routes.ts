import { type Labels, labelOf } from '#query/promql/labels.ts';
import type { Route } from './config.ts';
import { matchesAll } from './matcher.ts';

/** From how many siblings on an index is worth it. */
const INDEXED = 8;
/** Children by one label they must have a value of, the others by place: most trees ask for a team, a service or a severity. */
interface Branch {
  readonly route: Route;
  readonly children: readonly Branch[];
  readonly index: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>> | null;
  readonly others: readonly number[];
}
/** Finds the routes of a set of labels, as dispatch.Route.Match does: depth first, the first match unless it says `continue`. */
export class RouteTree {
  private readonly root: Branch;

  constructor(root: Route) {
    this.root = branchOf(root);
  }
  match(labels: Labels): Route[] {
    const found: Route[] = [];
    collect(this.root, labels, found);
    return found;
  }
}
function branchOf(route: Route): Branch {
  const children = route.routes.map(branchOf);
  if (children.length < INDEXED) return { route, children, index: null, others: [] };
  const index = new Map<string, Map<string, number[]>>();
  const others: number[] = [];
  for (const [i, { matchers }] of route.routes.entries()) {
    const matcher = matchers.find(({ operator, value }) => operator === '=' && value !== '');
    if (!matcher) {
      others.push(i);
      continue;
    }
    const values = index.get(matcher.name) ?? new Map<string, number[]>();
    index.set(matcher.name, values.set(matcher.value, [...(values.get(matcher.value) ?? []), i]));
  }
  return { route, children, index, others };
}
/** @returns whether the route matches */
function collect(branch: Branch, labels: Labels, into: Route[]): boolean {
  const { route } = branch;
  if (!matchesAll(route.matchers, labels)) return false;
  const before = into.length;
  for (const child of candidates(branch, labels)) if (collect(child, labels, into) && !child.route.continue) break;
  if (into.length === before) into.push(route);
  return true;
}
function candidates({ children, index, others }: Branch, labels: Labels): readonly Branch[] {
  if (!index) return children;
  const places = [...others];
  for (const [name, values] of index) places.push(...(values.get(labelOf(labels, name)) ?? []));
  return places.sort((a, b) => a - b).map((i) => children[i] as Branch);
}

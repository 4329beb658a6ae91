import type { ServiceMap } from '#contracts/console-api.ts';

export type ServiceNode = ServiceMap['nodes'][number];
export type ServiceEdge = ServiceMap['edges'][number];
/** How a service does. 'quiet': nothing to judge by. */
export type Health = 'bad' | 'poor' | 'good' | 'quiet';
const POOR_RATIO = 0.01;
/** From here on a service is in trouble whatever it was before. */
export const BAD_RATIO = 0.05;

export function healthOf(node: Pick<ServiceNode, 'requests' | 'errorRatio' | 'openIncident'>): Health {
  if (node.requests === 0) return 'quiet';
  if (node.errorRatio >= BAD_RATIO) return 'bad';
  return node.errorRatio >= POOR_RATIO ? 'poor' : 'good';
}
/** Open incidents first, then by error ratio, then by traffic; things that only answer come last. */
export const sortNodes = (nodes: readonly ServiceNode[]): ServiceNode[] =>
  [...nodes].sort(
    (a, b) =>
      Number(b.openIncident !== null) - Number(a.openIncident !== null) ||
      Number(a.kind !== 'service') - Number(b.kind !== 'service') ||
      b.errorRatio - a.errorRatio ||
      b.requests - a.requests ||
      (a.service < b.service ? -1 : 1),
  );
/**
 * The service, who calls it and whom it calls, `steps` calls away, and only the calls on the way: a map of all is not
 * readable; this is.
 */
export function neighbourhood(map: Pick<ServiceMap, 'nodes' | 'edges'>, focus: string, steps: number): Pick<ServiceMap, 'nodes' | 'edges'> {
  const near = new Set([focus]);
  let edges: ServiceEdge[] = [];
  for (let step = 0; step < steps; step++) {
    edges = map.edges.filter((edge) => near.has(edge.from) || near.has(edge.to));
    for (const { from, to } of edges) near.add(from).add(to);
  }
  return { nodes: map.nodes.filter((node) => near.has(node.service)), edges };
}
/** Line width in pixels for a rate: grows with its logarithm. */
export const edgeWidth = (ratePerSecond: number): number => Math.min(6, 1 + Math.log10(1 + Math.max(0, ratePerSecond)) * 1.6);

export interface PlacedNode {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}
export interface PlacedEdge {
  readonly id: string;
  readonly path: string;
  /** Where its figures stand. */
  readonly middle: { readonly x: number; readonly y: number };
}
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}
export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 52;
export const edgeId = (edge: Pick<ServiceEdge, 'from' | 'to'>): string => JSON.stringify([edge.from, edge.to]);

interface Point {
  readonly x: number;
  readonly y: number;
}
/** Straight pieces with rounded corners. */
export function roundedPath(points: readonly Point[], radius = 8): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${first.x} ${first.y}`;
  rest.forEach((point, i) => {
    const next = rest[i + 1];
    if (!next) path += `L${point.x} ${point.y}`;
    else {
      const before = i === 0 ? first : rest[i - 1]!;
      const a = towards(point, before, radius);
      const b = towards(point, next, radius);
      path += `L${a.x} ${a.y}Q${point.x} ${point.y} ${b.x} ${b.y}`;
    }
  });
  return path;
}
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(distance, length / 2) / length;
  return { x: Math.round(from.x + (to.x - from.x) * part), y: Math.round(from.y + (to.y - from.y) * part) };
}
/** The point half way along. */
export function middleOf(points: readonly Point[]): Point {
  const lengths = points.slice(1).map((point, i) => Math.hypot(point.x - points[i]!.x, point.y - points[i]!.y));
  let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
  for (const [i, length] of lengths.entries()) {
    if (left <= length) return pointAt(points[i]!, points[i + 1]!, length === 0 ? 0 : left / length);
    left -= length;
  }
  return points[0] ?? { x: 0, y: 0 };
}
const pointAt = (a: Point, b: Point, part: number): Point => ({ x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part });

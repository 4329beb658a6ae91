import type { ELK as Elk, ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import ElkApi from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import { edgeId, type Layout, middleOf, NODE_HEIGHT, NODE_WIDTH, roundedPath, type ServiceEdge, type ServiceNode } from './map-model.ts';

let elk: Elk | null = null;
const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.spacing.nodeNodeBetweenLayers': '88',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.layered.spacing.edgeNodeBetweenLayers': '24',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.padding': '[top=16,left=16,bottom=16,right=16]',
};
/** With figures between them the layers need no room of their own. */
const CLOSE = { 'elk.layered.spacing.nodeNodeBetweenLayers': '28', 'elk.layered.spacing.edgeNodeBetweenLayers': '12' };
/** Room for the figures of a call. */
const LABEL = { width: 124, height: 16 };
/** Places the map in a worker; the page stays free. Same services and calls, same picture. `labelled`: calls whose figures need room. */
export async function layOutMap(
  nodes: readonly ServiceNode[],
  edges: readonly ServiceEdge[],
  labelled: (edge: ServiceEdge) => boolean,
): Promise<Layout> {
  elk ??= new ElkApi({ workerUrl, workerFactory: (url) => new Worker(url ?? workerUrl) });
  const names = new Set(nodes.map((node) => node.service));
  const graph: ElkNode = {
    id: 'map',
    layoutOptions: edges.some(labelled) ? { ...OPTIONS, ...CLOSE } : OPTIONS,
    children: [...names].sort().map((id) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: edges
      .filter((edge) => names.has(edge.from) && names.has(edge.to) && edge.from !== edge.to)
      .map((edge) => ({
        id: edgeId(edge),
        sources: [edge.from],
        targets: [edge.to],
        labels: labelled(edge) ? [{ text: edge.to, ...LABEL }] : [],
      })),
  };
  const placed = await elk.layout(graph);
  return {
    width: placed.width ?? 0,
    height: placed.height ?? 0,
    nodes: (placed.children ?? []).map((node) => ({ id: node.id, x: node.x ?? 0, y: node.y ?? 0 })),
    edges: (placed.edges ?? []).map(placedEdge),
  };
}
function placedEdge(edge: ElkExtendedEdge): Layout['edges'][number] {
  const section = edge.sections?.[0];
  const points = section ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint] : [];
  const label = edge.labels?.[0];
  const middle = label === undefined ? middleOf(points) : { x: (label.x ?? 0) + LABEL.width / 2, y: (label.y ?? 0) + LABEL.height };
  return { id: edge.id, path: roundedPath(points), middle };
}

import type { Evidence } from './judgement.ts';

/** What the chart of an evidence row shows: a question for the store and how to read the answer. */
export type EvidenceChart =
  | { readonly from: 'red'; readonly service: string; readonly peer: string | null; readonly show: 'errors' | 'latency' | 'requests' }
  | { readonly from: 'metric'; readonly metric: string; readonly service: string; readonly unit: string }
  | { readonly from: 'log'; readonly service: string; readonly words: string };

const text = (evidence: Evidence, name: string): string => String(evidence.params[name] ?? '');
/** "inventory (inventory-2)" -> "inventory". */
const serviceIn = (place: string): string => place.replace(/ \([^)]*\)$/, '');
/** The longest piece of a log pattern without variables: what a text search can find. */
export function searchableWords(pattern: string): string {
  const pieces = pattern.split(/<[^>]*>|\*|[0-9]+/).map((piece) => piece.replace(/["\\]/g, ' ').trim());
  return pieces.sort((a, b) => b.length - a.length)[0] ?? '';
}
/** null: the row speaks of something no chart shows. */
export function evidenceChart(evidence: Evidence): EvidenceChart | null {
  const service = serviceIn(text(evidence, 'service'));
  const peer = text(evidence, 'peer') || null;
  switch (evidence.messageKey) {
    case 'evidence_self_time':
    case 'evidence_edge_time':
    case 'evidence_new_self_time':
      return { from: 'red', service, peer, show: 'latency' };
    case 'evidence_own_errors':
    case 'evidence_errors':
    case 'evidence_new_errors':
    case 'evidence_edge_errors':
    case 'evidence_facet':
      return { from: 'red', service, peer, show: 'errors' };
    case 'evidence_requests':
    case 'evidence_extra_calls':
    case 'evidence_change_scale':
      return { from: 'red', service, peer, show: 'requests' };
    case 'evidence_metric':
      return { from: 'metric', metric: text(evidence, 'metric'), service: serviceIn(text(evidence, 'place')), unit: evidence.unit };
    case 'evidence_log_new':
    case 'evidence_log_more':
      return { from: 'log', service, words: searchableWords(text(evidence, 'pattern')) };
    default:
      return evidence.messageKey.startsWith('evidence_change_') ? { from: 'red', service, peer: null, show: 'errors' } : null;
  }
}

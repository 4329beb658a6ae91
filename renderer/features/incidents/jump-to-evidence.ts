import { tick } from 'svelte';
import type { Candidate } from '#contracts/judgement.ts';
import { location } from '../../lib/location.svelte.ts';

/** Shows a row's card, choosing the candidate it belongs to first; keyboard focus goes along. */
export async function jumpToEvidence(candidates: readonly Candidate[], id: string): Promise<void> {
  const owner = candidates.find(({ evidence }) => evidence.some((row) => row.id === id));
  if (owner === undefined) return;
  if (document.getElementById(`evidence-${id}`) === null) location.set({ cause: owner.rank === 1 ? null : owner.rank }, 'replace');
  await tick();
  const card = document.getElementById(`evidence-${id}`);
  card?.scrollIntoView({ block: 'center' });
  card?.focus({ preventScroll: true });
}

import type { FileJob } from '#contracts/import-files.ts';
import type { ImportItem } from './file-imports.svelte.ts';

export type ImportPhase =
  | 'queued'
  | 'sending'
  | 'ask'
  | 'map'
  | 'waiting'
  | 'running'
  | 'paused'
  | 'done'
  | 'again'
  | 'nothing'
  | 'cancelled'
  | 'failed';
/** Where a file is, in one word. */
export function phaseOf({ job, stopped, paused, preview, error }: ImportItem): ImportPhase {
  if (stopped && job?.state !== 'done') return 'cancelled';
  if (job === null) return error === '' ? 'queued' : 'failed';
  if (preview !== null) return 'map';
  switch (job.state) {
    case 'receiving':
      return error !== '' ? 'failed' : paused ? 'paused' : 'sending';
    case 'ready':
      return 'ask';
    case 'done':
      return job.result?.alreadyImportedMs ? 'again' : isNothing(job.result) ? 'nothing' : 'done';
    default:
      return job.state;
  }
}
/** All that was in it was refused. */
const isNothing = (result: FileJob['result']): boolean =>
  result !== null && !result.bill && result.refused.length > 0 && Object.values(result.accepted).every((count) => count === 0);
/** 0-1: half for sending, half for reading where the console tells how much it has read. */
export function partOf({ job, bytes }: Pick<ImportItem, 'job' | 'bytes'>): number {
  if (job === null) return 0;
  if (bytes === 0) return 1;
  const sent = job.receivedBytes / bytes;
  return job.state === 'receiving' || job.state === 'ready' ? sent / 2 : 0.5 + Math.min(1, job.readBytes / bytes) / 2;
}
/** May be paused, gone on with, cancelled. */
export const actionsOf = (phase: ImportPhase): { readonly pause: boolean; readonly resume: boolean; readonly cancel: boolean } => ({
  pause: phase === 'sending' || phase === 'running',
  resume: phase === 'paused',
  cancel: ['queued', 'sending', 'ask', 'map', 'waiting', 'running', 'paused'].includes(phase),
});

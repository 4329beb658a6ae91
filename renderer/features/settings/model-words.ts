import type { ModelJob, ShelfModel } from '#contracts/console-models.ts';

/** Part of the job that is done, 0-1; null: not known. */
export const partDone = ({ done, total }: Pick<ModelJob, 'done' | 'total'>): number | null =>
  total > 0 ? Math.min(1, done / total) : null;
/** Tokens a second; null when it was too short to say. */
export const tokensPerSecond = (tokens: number, ms: number): number | null => (ms >= 1 ? (tokens / ms) * 1_000 : null);
/** Enough of a SHA-256 to compare by eye. */
export const shortHash = ({ file }: ShelfModel): string => file.sha256.slice(0, 12);
/** Whether the path is whole on any system: the console may run on another machine than this browser. */
export const isWholePath = (path: string): boolean => /^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(path.trim());

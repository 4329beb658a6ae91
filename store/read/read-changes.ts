import type { Change } from '#contracts/judgement.ts';
import type { Placement } from '#contracts/observation.ts';
import type { QueryOptions } from '#contracts/store.ts';
import { changeLogsSql } from '../sql/read/judgement-sql.ts';
import { restartsSql } from '../sql/read/metrics-sql.ts';
import { placementsSql, type Window } from '../sql/read/services-sql.ts';
import { numbers, type Queries, texts } from './columns-of.ts';
import { deriveChanges, type ProcessStart } from './derive-changes.ts';

/** How far before a window versions and instances are looked at: what is new is told by what was there before. */
const BEFORE_MS = 3_600_000;
/** Everybody reports at least this often: an instance heard this soon after the very first record may have been there all along. */
const FIRST_ROUND_MS = 60_000;

/** What tells of changes in windows whose placements are known, and the changes told by it, oldest first. */
export async function readChangeSigns(
  store: Queries,
  windows: { readonly samples: Window; readonly logs: Window },
  placements: readonly Placement[],
  options?: QueryOptions,
): Promise<{ starts: ProcessStart[]; changes: Change[] }> {
  const starts = await readStarts(store, windows.samples, options);
  const logged = await readLoggedChanges(store, windows.logs, options);
  const changes = [...deriveChanges(placements, starts, windows.samples.startMs), ...logged].sort((a, b) => a.atMs - b.atMs);
  return { starts, changes };
}
/** All changes of a window, newest first, and the statement that shows which version ran where and when. */
export async function readChanges(store: Queries, window: Window, options: QueryOptions): Promise<{ changes: Change[]; query: string }> {
  const wide = { startMs: Math.max(0, window.startMs - BEFORE_MS), endMs: window.endMs };
  const placements = await readPlacements(store, wide, options);
  const { changes } = await readChangeSigns(store, { samples: wide, logs: wide }, placements, options);
  const knownMs = placements.reduce((least, place) => Math.min(least, place.firstSeenMs), Number.POSITIVE_INFINITY) + FIRST_ROUND_MS;
  const isNews = ({ atMs, kind }: Change): boolean =>
    atMs >= window.startMs && atMs < window.endMs && !(kind === 'scale' && atMs <= knownMs);
  return { changes: changes.filter(isNews).reverse(), query: placementsSql(wide) };
}

async function readPlacements(store: Queries, window: Window, options?: QueryOptions): Promise<Placement[]> {
  const result = await store.query(placementsSql(window), [], options);
  const text = (name: string): readonly (string | null)[] => texts(result, name);
  const [service, instance, host, version] = [text('service'), text('instance'), text('host'), text('version')];
  const [first, last] = [numbers(result, 'first_ms'), numbers(result, 'last_ms')];
  return Array.from({ length: result.rowCount }, (_, i) => ({
    service: service[i] ?? '',
    instance: instance[i] ?? '',
    host: host[i] ?? null,
    version: version[i] ?? null,
    firstSeenMs: first[i] as number,
    lastSeenMs: last[i] as number,
  }));
}

async function readStarts(store: Queries, window: Window, options?: QueryOptions): Promise<ProcessStart[]> {
  const result = await store.query(restartsSql(window), [], options);
  const [service, instance, started, seen] = [
    texts(result, 'service'),
    texts(result, 'instance'),
    numbers(result, 'started_ms'),
    numbers(result, 'seen_ms'),
  ];
  return Array.from({ length: result.rowCount }, (_, i) => ({
    service: service[i] ?? '',
    instance: instance[i] ?? '',
    startedMs: started[i] as number,
    seenMs: seen[i] as number,
  }));
}

async function readLoggedChanges(store: Queries, window: Window, options?: QueryOptions): Promise<Change[]> {
  const result = await store.query(changeLogsSql(window), [], options);
  const [at, service, name, body] = [
    numbers(result, 'at_ms'),
    texts(result, 'service'),
    texts(result, 'event_name'),
    texts(result, 'body'),
  ];
  return Array.from({ length: result.rowCount }, (_, i) => {
    const event = name[i] ?? '';
    const kind = /flag/i.test(event) ? 'flag' : /config/i.test(event) ? 'config' : 'deploy';
    return { atMs: at[i] as number, kind, service: service[i] ?? '', instance: null, from: '', to: body[i] || event };
  });
}

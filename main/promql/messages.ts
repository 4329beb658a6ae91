import type { ErrorCode } from '#contracts/errors.ts';
import type { OtlpNaming } from '#contracts/settings.ts';
import type { ResultParts } from '#contracts/store.ts';
import type { LiveAlerting } from '#main/engine/replay/carried-alerting.ts';
import type { OnRecord } from '#main/engine/replay/trouble-of.ts';

/** What the engine and a thread that answers PromQL tell each other (main/engine/promql-threads.ts, main/promql/main.ts). */
export type ToThread =
  | {
      readonly type: 'ask';
      readonly job: number;
      /** Under /api/v1, with what its place holders stand for: /label/job/values; or /console/replay, /console/noise. */
      readonly path: string;
      /** Parameters as they came: of the address, and of a form. */
      readonly search: string;
      readonly form: string;
      readonly about: About;
      readonly nowMs: number;
      /** Highest series id there is: a thread that knows them all need not look. */
      readonly newestSeries: number;
      /** Samples of this time or later came since the ask before (contracts/store.ts SampleWatch). */
      readonly changedSinceMs: number;
    }
  | { readonly type: 'rows'; readonly call: number; readonly parts: ResultParts }
  | { readonly type: 'rows-failed'; readonly call: number; readonly code: ErrorCode; readonly message: string }
  /** One more chunk may be sent. */
  | { readonly type: 'more'; readonly job: number }
  | { readonly type: 'cancel'; readonly job: number };
export type FromThread =
  | {
      readonly type: 'query';
      readonly call: number;
      /** 0: of none, but of all. */
      readonly job: number;
      readonly sql: string;
      readonly timeoutMs?: number;
      readonly maxRows?: number;
    }
  /** The first chunk of an answer; the whole of it when `isLast`. */
  | {
      readonly type: 'answer';
      readonly job: number;
      readonly status: number;
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
      readonly cache: CacheCounts;
    }
  /** How far it is, 0 to 1. */
  | { readonly type: 'progress'; readonly job: number; readonly share: number }
  | { readonly type: 'chunk'; readonly job: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  | { readonly type: 'failed'; readonly job: number; readonly code: ErrorCode; readonly message: string; readonly stack?: string };

/** Of samples a thread keeps: bytes now; samples given from it and read so far. */
export interface CacheCounts {
  readonly bytes: number;
  readonly reused: number;
  readonly read: number;
}
/** What only the engine knows. */
export interface About {
  /** Labels of the targets that are scraped. */
  readonly targets?: readonly Readonly<Record<string, string>>[];
  /** Of all that is stored. */
  readonly minTimeMs?: number;
  readonly maxTimeMs?: number;
  readonly blocks?: number;
  /** Of a replay or a noise report. */
  readonly work?: AlertingWork;
}
/** What is in force and on record. `live`: as toCarry() makes it. */
export interface AlertingWork {
  readonly live: LiveAlerting;
  readonly incidents: readonly OnRecord[];
  readonly adoptedFile: string;
}
/** Memory both see. Place 0: the job that is computed right now, or 0. Then a place each for jobs that are to end. */
export interface ThreadData {
  readonly flags: SharedArrayBuffer;
  readonly otlpNaming: OtlpNaming | undefined;
}
const PLACES = 64;
export const FLAG_BYTES = 4 * (1 + PLACES);
export const COMPUTED = 0;
export const placeOfJob = (job: number): number => 1 + (job % PLACES);
/** One query, whatever its parameters say. */
export const TIMEOUT_MS = 30_000;
/** Chunks a thread may be ahead of who reads them. */
export const CHUNKS_AHEAD = 8;
export const CHUNK_BYTES = 131_072;

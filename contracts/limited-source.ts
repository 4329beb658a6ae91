import { globOf } from './glob.ts';
import type { SourceLimit, SourceLimits } from './source-limits.ts';

/** Limits by source as the code asks for them; how they are said: source-limits.ts. Without zod: the collector must start fast. */
export const SOURCE_NAME = /^(\S.*?)(?: service=(.+))?$/s;
/** The two halves of a name; service null: all of the source. */
export function partsOf(name: string): { readonly source: string; readonly service: string | null } {
  const [, source = name, service = null] = SOURCE_NAME.exec(name) ?? [];
  return { source, service };
}
export interface CompiledLimit {
  readonly name: string;
  readonly limit: SourceLimit;
  readonly ofService: boolean;
  readonly source: (source: string) => boolean;
  readonly service: (service: string) => boolean;
}
export const compileLimits = (limits: SourceLimits): CompiledLimit[] =>
  Object.entries(limits).map(([name, limit]) => {
    const { source, service } = partsOf(name);
    const [bySource, byService] = [globOf(source), service === null ? null : globOf(service)];
    return {
      ...{ name, limit, ofService: service !== null },
      source: (text) => bySource.test(text),
      service: (text) => byService === null || byService.test(text),
    };
  });
/** What is counted by itself under a name. */
export interface LimitedSource {
  readonly name: string;
  readonly source: string;
  /** null: all of the source. */
  readonly service: string | null;
}
export const keyOf = ({ name, source, service }: LimitedSource): string => `${name}\n${source}\n${service ?? ''}`;
/** Names are the senders' own: services (and sources) beyond so many share one count, which is one more. */
export const MAX_COUNTED = 10_000;
export const OTHER_SOURCES = '<others>';
/** UTC day, "2026-11-21". */
export const dayOf = (unixMs: number): string => new Date(unixMs).toISOString().slice(0, 10);
export const DAY_MS = 86_400_000;

/** Bytes of today, told by the collector. */
export interface SourceBytes extends LimitedSource {
  readonly bytes: number;
  /** Requests, scrapes or batches refused since the process started. */
  readonly refused: number;
}
/** DATA/source-limits.json: limits in force, written by the engine for the collector, which starts without it. */
export const SOURCE_LIMITS_FILE = 'source-limits.json';
/** DATA/source-bytes.json, of the collector. */
export const SOURCE_BYTES_FILE = 'source-bytes.json';

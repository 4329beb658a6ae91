import type { Context } from 'hono';
import type { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import type { QueryResult } from '#contracts/store.ts';
import type { Engine } from '#main/engine/engine.ts';

/** What a handler gets: parsed parameters, the engine, and a signal that says when the caller has gone. */
export interface Call<Q = unknown, B = unknown> {
  readonly engine: Engine;
  readonly query: Q;
  readonly body: B;
  readonly params: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly context: Context;
}
/** A table answer: the statement that made it, and its rows. */
export interface Table {
  readonly sql: string;
  readonly result: QueryResult;
}
export interface Route {
  readonly method: 'get' | 'post' | 'delete';
  /** Hono path: /console/traces/:traceId */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** A JSON schema, or how the answer is carried. 'response': the handler answers with a Response of its own. */
  readonly answer: z.ZodType | 'arrow' | 'response';
  handle(call: Call<never, never>): Promise<unknown>;
}

/** Keeps the handler's types tied to its schemas; at run time it is the route itself. */
export function route<Q extends z.ZodType, B extends z.ZodType>(
  definition: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Q;
    readonly body?: B;
    handle(call: Call<z.infer<Q>, z.infer<B>>): Promise<unknown>;
  },
): Route {
  return definition as unknown as Route;
}

/** Screens wait no longer than this. */
export const QUERY_TIMEOUT_MS = 30_000;
/** Rows of one table answer. */
export const MAX_ROWS = 100_000;

/** Runs a screen's statement; stops it when the caller goes away. @param samplesOf see QueryOptions @throws FaultlineError answer_too_long */
export async function runTable(call: Pick<Call, 'engine' | 'signal'>, sql: string, maxRows = MAX_ROWS, samplesOf?: string): Promise<Table> {
  const options = { timeoutMs: QUERY_TIMEOUT_MS, maxRows, signal: call.signal, ...(samplesOf ? { samplesOf } : {}) };
  const result = await call.engine.store.query(sql, [], options);
  // No screen says that it shows a part.
  if (result.truncated) throw new FaultlineError('answer_too_long', `The answer has more than ${maxRows} rows.`);
  return { sql, result };
}

/** Parses with a zod schema; the message names the field at fault. */
export function parseWith<T extends z.ZodType>(schema: T | undefined, value: unknown, what: string): z.infer<T> {
  if (!schema) return undefined as z.infer<T>;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? ` "${issue.path.join('.')}"` : '';
  throw new FaultlineError('bad_request', `${what}${where}: ${issue?.message ?? 'not understood'}.`);
}

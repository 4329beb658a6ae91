import type { ErrorBody } from '#contracts/console-api.ts';
import type { MigrationNews } from '#contracts/migration.ts';
import { readTable, type Table } from './table.ts';

/** A failed call in words: what, and what to do. status 0: nobody answered. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly todo: string;
  /** What a starting engine is at. */
  readonly migration: MigrationNews | null;
  constructor(status: number, code: string, message: string, todo: string, migration: MigrationNews | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.todo = todo;
    this.migration = migration;
  }
}
/** What was thrown, as a failure that can be shown: an answer cut short in the middle is no ApiError. */
export const apiErrorOf = (reason: unknown): ApiError =>
  reason instanceof ApiError ? reason : new ApiError(0, 'internal', String(reason), '');
async function errorOf(answer: Response): Promise<ApiError> {
  const text = await answer.text().catch(() => '');
  try {
    const { error, errorType } = JSON.parse(text) as ErrorBody & { errorType?: string };
    // Prometheus' shape of an error: its words are the message.
    if (typeof error === 'string') return new ApiError(answer.status, `promql_${errorType}`, error, '');
    return new ApiError(answer.status, error.code, error.message, error.todo, error.migration);
  } catch {
    return new ApiError(answer.status, 'internal', text.slice(0, 300) || `${answer.status} ${answer.statusText}`, '');
  }
}
async function call(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw new ApiError(499, 'cancelled', 'cancelled', '');
    throw new ApiError(0, 'away', error instanceof Error ? error.message : String(error), '');
  }
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}
const withSignal = (signal: AbortSignal | undefined): RequestInit => (signal ? { signal } : {});
const jsonBody = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body ?? {}),
});

/** Calls of the console's own API (contracts/console-api.ts). All reject with ApiError. */
export const api = {
  json: async <T>(path: string, signal?: AbortSignal): Promise<T> => (await (await call(path, withSignal(signal))).json()) as T,
  table: async (path: string, signal?: AbortSignal): Promise<Table> =>
    readTable(new Uint8Array(await (await call(path, withSignal(signal))).arrayBuffer())),
  post: async <T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> =>
    (await (await call(path, { ...jsonBody(body), ...withSignal(signal) })).json()) as T,
  /** An answer of JSON lines, each as it comes. What `onLine` throws ends it. */
  lines: async <T>(path: string, body: unknown, accept: string, signal: AbortSignal, onLine: (line: T) => void): Promise<void> => {
    const init = jsonBody(body);
    const answer = await call(path, { ...init, headers: { ...init.headers, accept }, signal });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const lines = (rest + part.value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(JSON.parse(line) as T);
    }
  },
  send: async <T>(path: string, body: Blob): Promise<T> =>
    (await (await call(path, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body })).json()) as T,
  sql: async (sql: string, signal?: AbortSignal): Promise<Table> =>
    readTable(
      new Uint8Array(await (await call('/console/query/sql', { ...jsonBody({ sql, maxRows: 200 }), ...withSignal(signal) })).arrayBuffer()),
    ),
  /** Prometheus' API; by POST, since queries may be longer than an address. `query`: as in an address. */
  prometheus: async <T>(path: string, query: string, signal?: AbortSignal): Promise<T> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return (await (await call(`/api/v1/${path}`, { method: 'POST', headers, body: query, ...withSignal(signal) })).json()) as T;
  },
  remove: async <T>(path: string): Promise<T> => (await (await call(path, { method: 'DELETE' })).json()) as T,
  stopDemo: async (): Promise<void> => void (await call('/console/demo', { method: 'DELETE' })),
  signIn: async (token: string): Promise<void> => void (await call('/console/session', jsonBody({ token }))),
};
/** "/console/x?a=1&b=2"; empty values are left out. */
export function apiPath(path: string, params: Readonly<Record<string, string | number | null | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? `/console/${path}` : `/console/${path}?${text}`;
}

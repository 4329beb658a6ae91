import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorBody } from '#contracts/console-api.ts';
import { ERRORS, type ErrorCode, FaultlineError } from '#contracts/errors.ts';

/** Any failure as the body of contracts/console-api.ts errorBody, with the catalogue's status. */
export function answerError(
  c: Context,
  error: unknown,
  log: (line: string) => void,
  more: Pick<ErrorBody['error'], 'migration'> = {},
): Response {
  const code: ErrorCode = error instanceof FaultlineError ? error.code : 'internal';
  const entry = ERRORS[code];
  const said = error instanceof Error ? error.message : String(error);
  if (entry.class === 'bug') log(`${c.req.method} ${c.req.path}: ${error instanceof Error ? (error.stack ?? said) : said}`);
  // What went wrong inside may hold what an outsider should not see; the log has it.
  const message = code === 'internal' && !(error instanceof FaultlineError) ? entry.says : said;
  const body: ErrorBody = { error: { code, message, todo: entry.todo, ...more } };
  if (entry.class === 'retryable') c.header('Retry-After', '1');
  if (code === 'unauthorized') c.header('WWW-Authenticate', 'Bearer');
  return c.json(body, entry.status as ContentfulStatusCode);
}

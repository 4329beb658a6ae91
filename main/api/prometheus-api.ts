import type { Context, Hono } from 'hono';
import type { Engine } from '#main/engine/engine.ts';
import { COMPUTED_PATHS, failureOf } from '#main/promql/answer-request.ts';
import { jsonResponse } from './compress.ts';
import type { Shared } from './create-api.ts';
import { aboutFor } from './prometheus-status.ts';

/** Prometheus' HTTP API as Grafana and promtool use it: queries, series and labels, answered in a thread of their own (main/promql). */
export function servePrometheus(app: Hono<{ Variables: Shared }>, engine: Engine): void {
  for (const path of COMPUTED_PATHS) {
    app.on(['GET', 'POST'], `/api/v1${path}`, async (c) => {
      c.set('route', `get /api/v1${path}`);
      try {
        return await computed(c, engine);
      } catch (error) {
        const failure = failureOf(error);
        if (!failure) throw error;
        const { status, errorType, message } = failure;
        return c.json({ status: 'error', errorType, error: message }, status);
      }
    });
  }
}
async function computed(c: Context, engine: Engine): Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const form = c.req.method === 'POST' ? await c.req.text() : '';
  const path = pathname.slice('/api/v1'.length);
  const about = await aboutFor(engine, path);
  const { status, first, rest } = await engine.promql.ask({ path, search, form, about, signal: c.req.raw.signal });
  return jsonResponse(status, first, rest, c.req.header('accept-encoding'));
}

import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import type { Engine } from '#main/engine/engine.ts';
import { alertRoutingRoutes } from './alert-routing-routes.ts';
import { alertRuleRoutes } from './alert-rule-routes.ts';
import { serveAlertmanager } from './alertmanager-api.ts';
import { answerError } from './answer-error.ts';
import { billRoutes } from './bill-routes.ts';
import { carbonRoutes } from './carbon-routes.ts';
import { costRoutes } from './cost-routes.ts';
import { describeOpenapi } from './describe-openapi.ts';
import { explainRoutes } from './explain-routes.ts';
import { exploreRoutes } from './explore-routes.ts';
import { exportRoutes } from './export-routes.ts';
import { forwardingRoutes } from './forwarding-routes.ts';
import { Guard } from './guard.ts';
import { importRoutes } from './import-routes.ts';
import { limitRoutes } from './limit-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { noiseRoutes } from './noise-routes.ts';
import { notificationRoutes } from './notification-routes.ts';
import { incidentRoutes, operatorRoutes } from './operator-routes.ts';
import { postmortemRoutes } from './postmortem-routes.ts';
import { servePrometheus } from './prometheus-api.ts';
import { servePrometheusStatus } from './prometheus-status.ts';
import { replayRoutes } from './replay-routes.ts';
import { parseWith, type Route, route, type Table } from './route.ts';
import { ruleFileRoutes } from './rule-file-routes.ts';
import { ruleRoutes } from './rule-routes.ts';
import { serveRules } from './rules-api.ts';
import { SelfMetrics } from './self-metrics.ts';
import { pageFolder, servePage } from './serve-page.ts';
import { serviceRoutes } from './service-routes.ts';
import { sloRoutes } from './slo-routes.ts';
import { streamEvents } from './stream-events.ts';
import { volumeRoutes } from './volume-routes.ts';

const ARROW = 'application/vnd.apache.arrow.stream';
const MAX_BODY_BYTES = 1024 * 1024;
/** A dropped file; it is in memory as a whole while it is taken in. */
const MAX_IMPORT_BYTES = 512 * 1024 * 1024;

/** Routes a screen or script may call under /console, with what they take and give. */
export const ROUTES: readonly Route[] = [
  ...importRoutes,
  ...operatorRoutes,
  ...incidentRoutes,
  ...explainRoutes,
  ...serviceRoutes,
  ...exploreRoutes,
  ...costRoutes,
  ...billRoutes,
  ...carbonRoutes,
  ...postmortemRoutes,
  ...modelRoutes,
  ...forwardingRoutes,
  ...exportRoutes,
  ...volumeRoutes,
  ...ruleRoutes,
  ...limitRoutes,
  ...ruleFileRoutes,
  ...notificationRoutes,
  ...sloRoutes,
  ...alertRuleRoutes,
  ...replayRoutes,
  ...noiseRoutes,
  ...alertRoutingRoutes,
  route({
    method: 'get',
    path: '/console/events',
    summary:
      'Server-sent events: "state" each second, "incident" on change, "alert" for each notification, "explain" while the local model is asked.',
    answer: 'response',
    handle: async (call) => streamEvents(call.context, call.engine),
  }),
];
/** What handlers tell the middleware around them. */
export interface Shared {
  route: string;
}
const isTable = (answer: unknown): answer is Table =>
  typeof answer === 'object' && answer !== null && 'result' in answer && 'sql' in answer;

/** One fetch-style API; carriers (HTTP, tests) hand it requests. */
export function createApi(engine: Engine): Hono<{ Variables: Shared }> {
  const app = new Hono<{ Variables: Shared }>();
  const guard = new Guard(engine.settings);
  const metrics = new SelfMetrics(engine);
  const { log } = engine.parts;

  app.onError((error, c) => answerError(c, error, log));
  app.use(guard.sameHost);
  app.use(secureHeaders);
  app.get('/healthz', (c) => c.json({ status: 'ok', version: engine.parts.version }));
  app.get('/readyz', (c) => c.json({ ready: engine.ready }, engine.ready ? 200 : 503));
  app.get('/metrics', () => metrics.answer());

  app.use('/console/*', async (c, next) => {
    const startedMs = performance.now();
    await next();
    metrics.requestSeconds.observe(
      { route: c.get('route') ?? 'other', status: String(c.res.status) },
      (performance.now() - startedMs) / 1000,
    );
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  });
  app.post('/console/session', smallBody, async (c) => openSession(c, guard));
  // Before the body is read: a stranger's 512 MB are not held in memory to be told that the token is missing.
  app.use('/console/*', guard.signedIn);
  app.use('/console/*', limitBody);
  app.get('/console/openapi.json', (c) => c.json(describeOpenapi(ROUTES, engine.parts.version)));
  for (const each of ROUTES)
    app.on(each.method.toUpperCase(), each.path, (c) => {
      c.set('route', `${each.method} ${each.path}`);
      return answerRoute(c, each, engine);
    });
  app.all('/console/*', (c) => {
    throw new FaultlineError('not_found', `There is no ${c.req.method} ${c.req.path}.`);
  });
  app.use('/api/v2/*', guard.signedIn);
  app.use('/api/v2/*', smallBody);
  serveAlertmanager(app, engine);
  app.use('/api/v1/*', guard.signedIn);
  app.use('/api/v1/*', smallBody);
  servePrometheus(app, engine);
  servePrometheusStatus(app, engine);
  serveRules(app, engine);
  app.all('/api/v1/*', (c) =>
    c.json({ status: 'error', errorType: 'not_found', error: `There is no ${c.req.method} ${c.req.path} (yet).` }, 404),
  );
  if (engine.settings.ui) servePages(app, engine, guard);
  return app;
}

export const secureHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('X-Content-Type-Options', 'nosniff');
  c.header('Referrer-Policy', 'no-referrer');
  c.header('Cross-Origin-Opener-Policy', 'same-origin');
  c.header('Cross-Origin-Resource-Policy', 'same-origin');
};
const PART_PATH = /^\/console\/uploads\/[^/]+\/part$/;
export const smallBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge(MAX_BODY_BYTES) });
const partBody = bodyLimit({ maxSize: FILE_LIMITS.partBytes, onError: tooLarge(FILE_LIMITS.partBytes) });
const fileBody = bodyLimit({ maxSize: MAX_IMPORT_BYTES, onError: tooLarge(MAX_IMPORT_BYTES) });
function tooLarge(limitBytes: number) {
  return (c: Context): Response => {
    // The rest of the body is not read: the connection cannot be used again.
    c.header('Connection', 'close');
    throw new FaultlineError('bad_request', `The body is larger than ${limitBytes} bytes.`);
  };
}
async function limitBody(c: Context, next: () => Promise<void>): Promise<Response | undefined> {
  const limit = c.req.path === '/console/import' ? fileBody : PART_PATH.test(c.req.path) ? partBody : smallBody;
  return ((await limit(c, next)) ?? undefined) as Response | undefined;
}

export async function openSession(c: Context, guard: Guard): Promise<Response> {
  const { token } = parseWith(z.object({ token: z.string().max(1_000) }), await readJson(c), 'Field');
  if (!guard.isToken(token)) throw new FaultlineError('unauthorized', 'The token is wrong.');
  guard.startSession(c);
  return c.json({ ok: true });
}

async function answerRoute(c: Context, definition: Route, engine: Engine): Promise<Response> {
  const query = parseWith(definition.query, c.req.query(), 'Parameter');
  const body = definition.body ? parseWith(definition.body, await readJson(c), 'Field') : undefined;
  const signal = c.req.raw.signal;
  const call = { engine, query, body, params: c.req.param() as Record<string, string>, signal, context: c };
  const answer = await definition.handle(call as never);
  if (answer instanceof Response) return answer;
  if (!isTable(answer)) return c.json(answer as never);
  const { sql, result } = answer;
  const bytes = result.toArrow({ query: sql, truncated: String(result.truncated) });
  return c.body(bytes as Uint8Array<ArrayBuffer>, 200, { 'Content-Type': ARROW, 'X-Truncated': String(result.truncated) });
}
/** The body as JSON; an empty one is undefined. */
async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FaultlineError('bad_request', `The body is not JSON: ${(error as Error).message}`);
  }
}

export function servePages(app: Hono<{ Variables: Shared }>, engine: Pick<Engine, 'ingestUrl'>, guard: Guard): void {
  const folder = pageFolder();
  app.get('*', async (c) => {
    const address = new URL(c.req.url);
    const token = address.searchParams.get('token');
    if (token === null) return servePage(c, engine, folder);
    // The token leaves the address bar at once, right or wrong; a wrong one ends at the page's own question for it.
    if (guard.isToken(token)) guard.startSession(c);
    c.header('Cache-Control', 'no-store');
    address.searchParams.delete('token');
    // Two slashes in front would be another host.
    return c.redirect(address.pathname.replace(/^\/+/, '/') + address.search, 303);
  });
}

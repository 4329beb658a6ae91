import { type Context, Hono } from 'hono';
import { FaultlineError } from '#contracts/errors.ts';
import type { MigrationNews } from '#contracts/migration.ts';
import type { Settings } from '#contracts/settings.ts';
import { sayMigration } from '#store/migrate/migration-watch.ts';
import { answerError } from './answer-error.ts';
import { openSession, type Shared, secureHeaders, servePages, smallBody } from './create-api.ts';
import { Guard } from './guard.ts';

export interface Starting {
  readonly settings: Settings;
  readonly version: string;
  readonly log: (line: string) => void;
  /** What is done before there is an engine, and how far it is. */
  readonly news: () => MigrationNews;
}
/** The API before there is an engine, while data files are brought to a newer layout: the page, and how far that is to all else. */
export function createStartingApi({ settings, version, log, news }: Starting): Hono<{ Variables: Shared }> {
  const app = new Hono<{ Variables: Shared }>();
  const guard = new Guard(settings);
  const starting = (c: Context): Response => {
    const migration = news();
    const says = `Data files are brought to the layout of this version. ${sayMigration(migration)}`;
    return answerError(c, new FaultlineError('starting', says), log, { migration });
  };
  app.onError((error, c) => answerError(c, error, log));
  app.use(guard.sameHost);
  app.use(secureHeaders);
  app.get('/healthz', (c) => c.json({ status: 'starting', version }));
  app.get('/readyz', (c) => c.json({ ready: false }, 503));
  app.get('/metrics', starting);
  app.post('/console/session', smallBody, async (c) => openSession(c, guard));
  app.use('/console/*', guard.signedIn);
  app.all('/console/*', starting);
  const { host, port } = settings.ingest;
  if (settings.ui) servePages(app, { ingestUrl: `http://${host}:${port}` }, guard);
  return app;
}

import type { Hono } from 'hono';
import type { Engine } from '#main/engine/engine.ts';
import type { Shared } from './create-api.ts';

/** What Prometheus' API says of the server itself, under /api/v1. */
export function servePrometheusStatus(app: Hono<{ Variables: Shared }>, engine: Engine): void {
  const routes: Readonly<Record<string, () => unknown>> = {
    '/status/buildinfo': () => ({
      // Grafana asks for a Prometheus version to know what it may ask for.
      ...{ version: '3.5.0', revision: `faultline ${engine.parts.version}`, branch: '', buildUser: '', buildDate: '', goVersion: '' },
    }),
  };
  for (const [path, read] of Object.entries(routes)) {
    app.on(['GET', 'POST'], `/api/v1${path}`, (c) => {
      c.set('route', `get /api/v1${path}`);
      return c.json({ status: 'success', data: read() });
    });
  }
}

import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Engine } from '#main/engine/engine.ts';

const STATE_MS = 1_000;
const MAX_STREAMS = 64;
let streams = 0;

/** GET /console/events: "state" each second, "incident" on change, "alert" for each notification of this desktop, "explain" while the model is asked, until the page goes. */
export function streamEvents(c: Context, engine: Engine): Response {
  if (streams >= MAX_STREAMS)
    return c.json({ error: { code: 'starting', message: `More than ${MAX_STREAMS} pages are watching.`, todo: 'Close some.' } }, 503);
  streams++;
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (stream) => {
    let wake: () => void = () => undefined;
    // The latest of each is enough: a page that is slow skips steps, it does not make them wait here.
    const changed = new Map<string, { readonly event: string; readonly data: string }>();
    const change = (event: string, id: string, data: unknown): void => {
      changed.set(`${event} ${id}`, { event, data: JSON.stringify(data) });
      wake();
    };
    const forget = [
      engine.book.onChange((incident) => change('incident', incident.id, incident)),
      engine.parts.notifier.notices.onNotice((notice) => change('alert', notice.id, notice)),
      engine.explainer.onChange((incidentId, job) => change('explain', incidentId, { incidentId, job })),
    ];
    stream.onAbort(() => wake());
    try {
      while (!stream.aborted && !stream.closed) {
        await stream.writeSSE({ event: 'state', data: JSON.stringify(await engine.state()) });
        const until = performance.now() + STATE_MS;
        while (!stream.aborted && performance.now() < until) {
          for (const [key, news] of changed) {
            changed.delete(key);
            await stream.writeSSE(news);
          }
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, Math.max(1, until - performance.now()));
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
      }
    } finally {
      for (const each of forget) each();
      streams--;
    }
  });
}

import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Engine } from '#main/engine/engine.ts';

const STATE_MS = 1_000;
const MAX_STREAMS = 64;
let streams = 0;

/** GET /console/events: "state" each second, "incident" on change, until the page goes. */
export function streamEvents(c: Context, engine: Engine): Response {
  if (streams >= MAX_STREAMS)
    return c.json({ error: { code: 'starting', message: `More than ${MAX_STREAMS} pages are watching.`, todo: 'Close some.' } }, 503);
  streams++;
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (stream) => {
    let wake: () => void = () => undefined;
    const changed = new Map<string, string>();
    const forget = engine.book.onChange((incident) => {
      changed.set(incident.id, JSON.stringify(incident));
      wake();
    });
    stream.onAbort(() => wake());
    try {
      while (!stream.aborted && !stream.closed) {
        await stream.writeSSE({ event: 'state', data: JSON.stringify(await engine.state()) });
        const until = performance.now() + STATE_MS;
        while (!stream.aborted && performance.now() < until) {
          for (const [id, data] of changed) {
            changed.delete(id);
            await stream.writeSSE({ event: 'incident', data });
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
      forget();
      streams--;
    }
  });
}

import { randomBytes } from 'node:crypto';

/** One OTLP/JSON request of `count` spans; their ids are what a test looks for afterwards. */
export function spanRequest(service: string, count: number): { readonly body: string; readonly spanIds: string[] } {
  const spanIds = Array.from({ length: count }, () => randomBytes(8).toString('hex'));
  const traceId = randomBytes(16).toString('hex');
  const startNano = BigInt(Date.now()) * 1_000_000n;
  const spans = spanIds.map((spanId, index) => ({
    traceId,
    spanId,
    name: `GET /item/${index % 7}`,
    kind: 2,
    startTimeUnixNano: String(startNano + BigInt(index)),
    endTimeUnixNano: String(startNano + BigInt(index) + 5_000_000n),
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] };
  return { body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }), spanIds };
}
/** Whether the receiver acknowledged. A cut connection is no acknowledgement. */
export async function sendSpans(ingest: string, body: string): Promise<boolean> {
  try {
    const response = await fetch(`${ingest}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
export interface SpanLoad {
  /** Ids of all spans whose request was answered with 200. */
  readonly acknowledged: readonly string[];
  /** Ids of spans whose request was not answered so: stored or not, both are right. */
  readonly unanswered: readonly string[];
  stop(): Promise<void>;
}
/** Some thousand spans a second: what is lost or doubled shows, and a core is left for who waits for the end. */
const PAUSE_MS = 20;
/** A few senders that go on, whatever happens to the receiver, until stopped. */
export function startSpanLoad(ingest: string, senders = 4): SpanLoad {
  const acknowledged: string[] = [];
  const unanswered: string[] = [];
  let going = true;
  const work = async (index: number): Promise<void> => {
    while (going) {
      const { body, spanIds } = spanRequest(`load-${index}`, 20);
      const took = await sendSpans(ingest, body);
      (took ? acknowledged : unanswered).push(...spanIds);
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  };
  const workers = Array.from({ length: senders }, (_, index) => work(index));
  const stop = async (): Promise<void> => {
    going = false;
    await Promise.all(workers);
  };
  return { acknowledged, unanswered, stop };
}

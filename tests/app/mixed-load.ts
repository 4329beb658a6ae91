import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** All signals with everything a record may carry, from a few senders, until stopped. A retry is a new body. */
export interface MixedLoad {
  readonly counts: { requests: number; acknowledged: number };
  stop(): Promise<void>;
}
const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const attribute = (key: string, value: Record<string, unknown>): unknown => ({ key, value });

function resource(service: string): unknown {
  return { attributes: [attribute('service.name', { stringValue: service }), attribute('service.version', { stringValue: '1.2.3' })] };
}
function traces(service: string, nowNano: bigint): unknown {
  const traceId = hex(16);
  const spans = Array.from({ length: 10 }, (_, i) => ({
    traceId,
    spanId: hex(8),
    name: `GET /${i}`,
    kind: 2,
    startTimeUnixNano: String(nowNano + BigInt(i)),
    endTimeUnixNano: String(nowNano + BigInt(i) * 3n + 1_000_000n),
    status: i % 4 === 0 ? { code: 2, message: 'broken' } : {},
    attributes: [
      attribute('http.route', { stringValue: `/${i}` }),
      attribute('n', { intValue: String(i) }),
      attribute('ü', { boolValue: true }),
    ],
    events: [{ name: 'exception', timeUnixNano: String(nowNano), attributes: [attribute('exception.type', { stringValue: 'E' })] }],
    links: [{ traceId: hex(16), spanId: hex(8) }],
  }));
  return { resourceSpans: [{ resource: resource(service), scopeSpans: [{ scope: { name: 'load' }, spans }] }] };
}
function logs(service: string, nowNano: bigint): unknown {
  const logRecords = Array.from({ length: 10 }, (_, i) => ({
    // Some without any time of their own: they get the arrival, which must be the same in both consoles.
    ...(i % 3 === 0 ? {} : { timeUnixNano: String(nowNano + BigInt(i)) }),
    severityNumber: 9 + (i % 8),
    body: { stringValue: `line ${i} of ${hex(4)}` },
    attributes: [attribute('k', { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'x' }] } })],
  }));
  return { resourceLogs: [{ resource: resource(service), scopeLogs: [{ logRecords }] }] };
}
function metrics(service: string, nowNano: bigint): unknown {
  const timeUnixNano = String(nowNano);
  const point = { timeUnixNano, attributes: [attribute('a', { stringValue: hex(1) })] };
  return {
    resourceMetrics: [
      {
        resource: resource(service),
        scopeMetrics: [
          {
            metrics: [
              { name: 'queue', unit: '1', gauge: { dataPoints: [{ ...point, asDouble: 0.1 }] } },
              {
                name: 'done',
                sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ ...point, asInt: '9007199254740993' }] },
              },
              {
                name: 'latency',
                histogram: {
                  aggregationTemporality: 1,
                  dataPoints: [{ ...point, count: '3', sum: 4, bucketCounts: ['1', '2'], explicitBounds: [1] }],
                },
              },
            ],
          },
        ],
      },
    ],
  };
}
const MAKE = { traces, logs, metrics } as const;

/** Of each sender, after an answer and after none: some hundred requests a second fill queues, and leave the processors to what is tested. */
const [PAUSE_MS, RETRY_MS] = [25, 40];
export function startMixedLoad(ingest: string, senders = 3): MixedLoad {
  const counts = { requests: 0, acknowledged: 0 };
  let going = true;
  const work = async (sender: number): Promise<void> => {
    for (let i = 0; going; i++) {
      const signal = (['traces', 'logs', 'metrics'] as const)[(i + sender) % 3] as keyof typeof MAKE;
      const body = Buffer.from(JSON.stringify(MAKE[signal](`mixed-${sender}`, BigInt(Date.now()) * 1_000_000n)));
      counts.requests++;
      const packed = i % 2 === 0;
      const headers = { 'content-type': 'application/json', ...(packed ? { 'content-encoding': 'gzip' } : {}) };
      const answered = await fetch(`${ingest}/v1/${signal}`, { method: 'POST', headers, body: packed ? gzipSync(body) : body }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.status === 200;
        },
        () => false,
      );
      if (answered) counts.acknowledged++;
      await new Promise((done) => setTimeout(done, answered ? PAUSE_MS : RETRY_MS));
    }
  };
  const workers = Array.from({ length: senders }, (_, sender) => work(sender));
  return {
    counts,
    stop: async () => {
      going = false;
      await Promise.all(workers);
    },
  };
}

/** A scrape target of every type, with exemplars, special values and series that come and go. */
export async function startTarget(): Promise<{ readonly address: string; readonly scrapes: () => number; readonly close: () => void }> {
  let scrapes = 0;
  const server: Server = createServer((_, response) => {
    scrapes++;
    const gone = scrapes % 3 === 0 ? '' : `sometimes{round="${scrapes % 5}"} 1\n`;
    response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0');
    response.end(
      `# HELP jobs Jobs done.\n# TYPE jobs counter\njobs_total{kind="a\\"b"} ${scrapes} # {trace_id="${'ab'.repeat(16)}",x="y"} 1.5\njobs_created{kind="a\\"b"} 1000\n` +
        `# TYPE heat_celsius gauge\n# UNIT heat_celsius celsius\nheat_celsius{where="köln"} NaN\nheat_celsius{where="b"} +Inf\nheat_celsius{where="c"} -0.25\n` +
        `# TYPE wait histogram\nwait_bucket{le="1.0"} ${scrapes}\nwait_bucket{le="+Inf"} ${scrapes * 2}\nwait_count ${scrapes * 2}\nwait_sum 3.5\n` +
        `# TYPE size summary\nsize{quantile="0.5"} 7\nsize_count 3\nsize_sum 21\n# TYPE build info\nbuild_info{version="1"} 1\n${gone}# EOF\n`,
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    scrapes: () => scrapes,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

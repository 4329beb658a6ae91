import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import type { DestinationView, Forwarding } from '#contracts/forwarding.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { faultsOf, judgeStored, type StoredUnit } from './judge-stored.ts';
import { ITEM_TABLES, ITEMS_PER_UNIT, type ItemTable } from './ledger.ts';
import { type Rig, sleep, until } from './rig.ts';
import type { Round } from './round.ts';
import type { Load } from './sender.ts';
import { SERVICE_PREFIX } from './unit-bodies.ts';

/** A platform everything is forwarded to: keeps which ids came in which batch, reading bodies with generated code. */
export interface Platform {
  readonly url: string;
  /** Waits until the queue is empty, then compares what came here with what the sender was acknowledged. */
  compare(rig: Rig, load: Load): Promise<void>;
}
type Ids = readonly (readonly [ItemTable, number])[];

function spansOf(body: Uint8Array): Ids {
  return fromBinary(ExportTraceServiceRequestSchema, body)
    .resourceSpans.filter(({ resource }) =>
      resource?.attributes.some(({ key, value }) => key === 'service.name' && String(value?.value.value).startsWith(SERVICE_PREFIX)),
    )
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map(({ spanId }) => ['spans', Number(Buffer.from(spanId).readBigUInt64BE())] as const);
}
function logsOf(body: Uint8Array): Ids {
  return fromBinary(ExportLogsServiceRequestSchema, body)
    .resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
    .map(({ body: line }) => ['logs', Number(String(line?.value.value).split(' ')[1])] as const);
}
function metricsOf(body: Uint8Array): Ids {
  const metrics = fromBinary(ExportMetricsServiceRequestSchema, body).resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((scope) => scope.metrics),
  );
  return metrics.flatMap(({ data }): Ids => {
    if (data.case === 'gauge' || data.case === 'sum')
      return data.value.dataPoints.map(({ value }) => ['samples', Number(value.value)] as const);
    if (data.case === 'histogram' || data.case === 'exponentialHistogram')
      return data.value.dataPoints.map(({ sum }) => ['histograms', Number(sum)] as const);
    return [];
  });
}
const READ: Readonly<Record<string, (body: Uint8Array) => Ids>> = { '/v1/traces': spansOf, '/v1/logs': logsOf, '/v1/metrics': metricsOf };

export async function startPlatform(round: Round): Promise<Platform> {
  /** By batch id: what the first of its deliveries held. */
  const batches = new Map<string, Ids>();
  let deliveries = 0;
  let unreadable = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      // Now and then busy, slow, or gone without a word: before and after it has taken the body in.
      const mood = round.random();
      if (mood < 0.05) return void response.writeHead(503, { 'retry-after': '0' }).end();
      deliveries++;
      try {
        const raw = Buffer.concat(parts);
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
        batches.set(String(request.headers['faultline-batch-id']), READ[request.url ?? '']?.(body) ?? []);
      } catch {
        unreadable++;
      }
      if (mood < 0.07) return void request.socket.destroy();
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(), mood < 0.12 ? 100 : 0);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  round.atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const compare = async (rig: Rig, load: Load): Promise<void> => {
    let quiet = 0;
    await until(
      'the queue of forwarding empty',
      async () => {
        await sleep(100);
        const { destinations } = (await rig.json('/console/forwarding')) as Forwarding;
        const { state, queue } = destinations[0] as DestinationView;
        quiet = state === 'idle' && queue.requests === 0 && queue.bytes === 0 ? quiet + 1 : 0;
        return quiet >= 12;
      },
      60,
    );
    const copies = new Map<ItemTable, Map<number, number>>(ITEM_TABLES.map((table) => [table, new Map()]));
    for (const ids of batches.values()) {
      for (const [table, id] of ids) {
        const counts = copies.get(table) as Map<number, number>;
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    }
    const stored = Object.fromEntries(ITEM_TABLES.map((table) => [table, unitsOf(copies.get(table) as Map<number, number>)]));
    const verdict = judgeStored(load.ledger.units, stored as Record<ItemTable, Map<number, StoredUnit>>);
    for (const says of faultsOf(verdict)) round.fault(`at the platform: ${says}`);
    round.check(unreadable === 0, `at the platform: ${unreadable} bodies could not be read`);
    round.what += ` (${batches.size} batches at the platform in ${deliveries} deliveries)`;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, compare };
}
function unitsOf(copies: ReadonlyMap<number, number>): Map<number, StoredUnit> {
  const units = new Map<number, StoredUnit>();
  for (const [id, count] of copies) {
    const unit = Math.floor(id / ITEMS_PER_UNIT) - 1;
    const before = units.get(unit) ?? { items: 0n, least: count, most: count, changed: 0 };
    units.set(unit, {
      items: before.items | (1n << BigInt(id % ITEMS_PER_UNIT)),
      least: Math.min(before.least, count),
      most: Math.max(before.most, count),
      changed: 0,
    });
  }
  return units;
}

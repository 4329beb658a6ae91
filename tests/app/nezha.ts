import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** Real spans of the Nezha OnlineBoutique benchmark (MIT), as OTLP/JSON requests. Data stays outside the repository. */
export const nezhaFolder = join(
  process.env['FAULTLINE_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data'),
  'nezha-onlineboutique',
);
export const hasNezha = existsSync(nezhaFolder);

export interface NezhaSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly pod: string;
  readonly name: string;
  readonly startNs: string;
  readonly endNs: string;
  /** 2 server, 3 client, 1 internal: not in the data, derived from pods of parent and children. */
  readonly kind: number;
}
/** Pod name without its replica-set and pod hashes. */
export const serviceOf = (pod: string): string => pod.replace(/-[0-9a-f]{7,10}-\w{5}$/, '');

/** @param minutes e.g. ['07_26', '07_27'] */
export async function readNezhaSpans(file: string, minutes: readonly string[]): Promise<NezhaSpan[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const path = join(nezhaFolder, file).replaceAll("'", "''");
  const reader = await connection.runAndReadAll(`
    WITH s AS (SELECT DISTINCT ON (TraceID, SpanID) * FROM read_parquet('${path}') WHERE file_minute IN (${minutes.map((m) => `'${m}'`).join(', ')}))
    SELECT s.TraceID, s.SpanID, coalesce(s.ParentID, ''), s.PodName, s.OperationName, s.StartTimeUnixNano::VARCHAR, s.EndTimeUnixNano::VARCHAR,
      CASE WHEN s.ParentID IS NULL OR p.PodName <> s.PodName THEN 2
           WHEN EXISTS (SELECT 1 FROM s c WHERE c.TraceID = s.TraceID AND c.ParentID = s.SpanID AND c.PodName <> s.PodName) THEN 3 ELSE 1 END
    FROM s LEFT JOIN s p ON p.TraceID = s.TraceID AND p.SpanID = s.ParentID ORDER BY 6`);
  return reader.getRowsJson().map((row) => {
    const [traceId, spanId, parentId, pod, name, startNs, endNs, kind] = row as string[];
    return { traceId, spanId, parentId, pod, name, startNs, endNs, kind: Number(kind) } as NezhaSpan;
  });
}

/** Requests of at most `perRequest` spans, grouped by pod as an exporter would. */
export function toOtlpJson(spans: readonly NezhaSpan[], perRequest: number): string[] {
  const requests: string[] = [];
  for (let from = 0; from < spans.length; from += perRequest) {
    const byPod = Map.groupBy(spans.slice(from, from + perRequest), (span) => span.pod);
    const resourceSpans = [...byPod].map(([pod, list]) => ({
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: serviceOf(pod) } },
          { key: 'service.instance.id', value: { stringValue: pod } },
        ],
      },
      scopeSpans: [
        {
          spans: list.map(({ traceId, spanId, parentId, name, startNs, endNs, kind }) => ({
            traceId,
            spanId,
            parentSpanId: parentId,
            name,
            kind,
            startTimeUnixNano: startNs,
            endTimeUnixNano: endNs,
          })),
        },
      ],
    }));
    requests.push(JSON.stringify({ resourceSpans }));
  }
  return requests;
}

import type { FaultlineProcess } from './faultline-process.ts';

/**
 * Counts and content hashes of every signal, resolved through the dictionaries so that ids, which differ between two
 * consoles, do not matter. Equal answers: the same records, each as often.
 */
const hashed = (columns: string, from: string): string =>
  `SELECT count(*)::DOUBLE AS n, coalesce(sum(hash(${columns})::HUGEINT), 0)::VARCHAR AS h FROM ${from}`;
const SERIES =
  's.metric, s.type, s.unit, s.description, s.temporality, s.monotonic, s.number_type, s.source, s.service, s.attributes::VARCHAR, s.attribute_types, s.metadata::VARCHAR';
// Reading a NaN with its payload: text does not show it, so the stale flag stands for it.
const joined = (table: string): string => `${table} t JOIN series s USING (series_id) JOIN resources r ON r.resource_id = s.resource_id`;
const OWNER = 'r.attributes::VARCHAR, r.attribute_types, r.service_instance_id';
export const CONTENT: Readonly<Record<string, string>> = {
  spans: hashed(
    't::VARCHAR, w',
    '(SELECT t.* EXCLUDE (resource_id, scope_id), r.attributes::VARCHAR AS w FROM spans t JOIN resources r USING (resource_id)) t',
  ),
  logs: hashed(
    't::VARCHAR, w',
    '(SELECT t.* EXCLUDE (resource_id, scope_id), r.attributes::VARCHAR AS w FROM logs t JOIN resources r USING (resource_id)) t',
  ),
  samples: hashed(`${SERIES}, ${OWNER}, t.time, t.value::VARCHAR, t.value_int, t.start_time, t.flags`, joined('samples')),
  histograms: hashed(
    `${SERIES}, ${OWNER}, t.time, t.start_time, t.count, t.sum, t.bounds::VARCHAR, t.bucket_counts::VARCHAR, t.flags`,
    joined('histograms'),
  ),
  exemplars: hashed(`${SERIES}, ${OWNER}, t.time, t.value, t.trace_id::VARCHAR, t.span_id, t.attributes::VARCHAR`, joined('exemplars')),
  scraped: hashed(`${SERIES}, t.time, t.value::VARCHAR`, `${joined('samples')} WHERE s.source = 'prometheus'`),
};

export type Content = Record<string, { readonly n: number; readonly h: string }>;
export async function contentOf(console: FaultlineProcess): Promise<Content> {
  await console.flush();
  const content: Content = {};
  for (const [name, sql] of Object.entries(CONTENT)) {
    const [row] = await console.sql(sql);
    content[name] = { n: Number(row?.['n']), h: String(row?.['h']) };
  }
  return content;
}

import { seriesFactsSql } from '../sql/read/metrics-sql.ts';
import { numbers, type Queries, texts } from './columns-of.ts';

export interface SeriesFacts {
  readonly metric: string;
  readonly unit: string;
  readonly type: string;
  readonly service: string;
  readonly instance: string | null;
  readonly host: string | null;
  /** k=v, sorted, without what names the place. */
  readonly labels: string;
  readonly isRate: boolean;
}
const PLACE_LABELS = new Set([
  'instance',
  'job',
  'host',
  'hostname',
  'nodename',
  'node',
  'host.name',
  'service.name',
  'service.instance.id',
]);
const CHUNK = 5_000;

/** Names and owners of series, read once each: series never change. */
export class SeriesCatalog {
  private readonly known = new Map<number, SeriesFacts>();

  get(seriesId: number): SeriesFacts | undefined {
    return this.known.get(seriesId);
  }
  async load(store: Queries, seriesIds: Iterable<number>): Promise<void> {
    const missing = [...new Set(seriesIds)].filter((id) => !this.known.has(id));
    for (let i = 0; i < missing.length; i += CHUNK) await this.loadChunk(store, missing.slice(i, i + CHUNK));
  }
  private async loadChunk(store: Queries, seriesIds: readonly number[]): Promise<void> {
    const result = await store.query(seriesFactsSql(seriesIds));
    const [ids, monotonic] = [numbers(result, 'series_id'), numbers(result, 'monotonic')];
    const text = (name: string): readonly (string | null)[] => texts(result, name);
    const [metric, unit, type, service, instance, host, attributes] = [
      text('metric'),
      text('unit'),
      text('type'),
      text('service'),
      text('instance'),
      text('host'),
      text('attributes'),
    ];
    for (let i = 0; i < result.rowCount; i++) {
      this.known.set(ids[i] as number, {
        metric: metric[i] ?? '',
        unit: unit[i] ?? '',
        type: type[i] ?? '',
        service: service[i] ?? '',
        instance: instance[i] || null,
        host: host[i] || null,
        labels: labelText(attributes[i] ?? '{}'),
        isRate: type[i] === 'sum' && monotonic[i] === 1,
      });
    }
  }
}
function labelText(json: string): string {
  const entries = Object.entries(JSON.parse(json) as Record<string, string>).filter(([key]) => !PLACE_LABELS.has(key));
  return entries
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

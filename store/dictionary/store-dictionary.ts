import type { Attributes, Dictionary, ResourceRow, ScopeRow, SeriesRow, StackRow } from '#contracts/columns.ts';
import { columnsFromRows, type RowValue } from '../hot/columns-from-rows.ts';
import type { HotRows } from '../hot/hot-rows.ts';
import { type DictionaryTable, RESOURCES, SCOPES, SERIES, STACKS } from '../sql/ddl/dictionary-tables.ts';

/** Dictionary rows are not of a day; they lie in the hot tables under this one. */
export const NO_DAY = 0;
/** Rows turned into columns at once. */
const DRAIN_ROWS = 2048;

/** Ids of one dictionary table, and the rows nobody has stored yet. */
class IdTable {
  readonly table: DictionaryTable;
  private readonly ids = new Map<string, number>();
  private pending: RowValue[] = [];
  private readonly limit: number;
  private readonly beside: IdTable | null;
  nextId = 1;
  /** Asked for beyond the limit. */
  refused = 0;

  constructor(table: DictionaryTable, limit: number, beside: IdTable | null = null) {
    this.table = table;
    this.beside = beside;
    this.limit = limit;
  }
  get size(): number {
    return this.ids.size;
  }
  known(key: string): number | undefined {
    return this.ids.get(key);
  }
  load(key: string, id: number): void {
    this.ids.set(key, id);
    this.skipTo(id);
  }
  /** Gives out no id up to this one; nor does `beside`, which then has gaps. */
  skipTo(id: number): void {
    this.nextId = Math.max(this.nextId, id + 1);
    this.beside?.skipTo(id);
  }
  id(key: string, row: () => RowValue): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    if (this.ids.size >= this.limit) {
      this.refused++;
      return 0;
    }
    const id = this.nextId;
    this.pending.push({ [this.table.columns[0]!.name]: id, ...row(), identity: key });
    this.nextId++;
    this.ids.set(key, id);
    return id;
  }
  /** Turns the new rows into hot rows, so that a statement or a flush sees them. */
  drain(hot: HotRows, nowMs: number): void {
    for (let at = 0; at < this.pending.length; at += DRAIN_ROWS) {
      const rows = this.pending.slice(at, at + DRAIN_ROWS);
      const { columns, heap } = columnsFromRows(this.table.columns, rows);
      const mark = { position: 0, ordinal: 0 };
      hot.table(this.table.name).append(NO_DAY, columns, 0, rows.length, mark, { bytes: heap, copy: null }, nowMs);
    }
    this.pending = [];
  }
}
const attributes = (from: Attributes, prefix = ''): RowValue => ({
  [prefix || 'attributes']: { keys: from.keys, values: from.values },
  [prefix ? `${prefix}_types` : 'attribute_types']: from.types,
});

/**
 * Implements contracts/columns.ts Dictionary: ids are handed out at once, rows become visible with the next statement
 * and are stored before the first row that uses them (write/flush.ts). Each table holds at most `limit` entries;
 * beyond it the id is 0.
 */
export class StoreDictionary implements Dictionary {
  readonly resources: IdTable;
  readonly scopes: IdTable;
  readonly seriesIds: IdTable;
  readonly stacks: IdTable;

  constructor(limit: number) {
    this.resources = new IdTable(RESOURCES, limit);
    this.scopes = new IdTable(SCOPES, limit);
    this.stacks = new IdTable(STACKS, limit);
    // Ids that rows of a day use are told for both together (sql/ddl/used-ids.ts).
    this.seriesIds = new IdTable(SERIES, limit, this.stacks);
  }
  get newestSeries(): number {
    return this.seriesIds.nextId - 1;
  }
  get tables(): readonly IdTable[] {
    return [this.resources, this.scopes, this.seriesIds, this.stacks];
  }

  resource(key: string, row: () => ResourceRow): number {
    return this.resources.id(key, () => {
      const r = row();
      return {
        service: r.service,
        service_namespace: r.serviceNamespace,
        service_instance_id: r.serviceInstanceId,
        service_version: r.serviceVersion,
        ...attributes(r.attributes),
        dropped_attributes_count: r.droppedAttributesCount,
        schema_url: r.schemaUrl,
        entity_refs: r.entityRefs,
      };
    });
  }
  scope(key: string, row: () => ScopeRow): number {
    return this.scopes.id(key, () => {
      const s = row();
      return {
        name: s.name,
        version: s.version,
        ...attributes(s.attributes),
        dropped_attributes_count: s.droppedAttributesCount,
        schema_url: s.schemaUrl,
      };
    });
  }
  series(key: string, row: () => SeriesRow): number {
    return this.seriesIds.id(key, () => {
      const s = row();
      return {
        metric: s.metric,
        type: s.type,
        unit: s.unit,
        description: s.description,
        temporality: s.temporality,
        monotonic: s.monotonic,
        number_type: s.numberType,
        source: s.source,
        service: s.service,
        ...attributes(s.attributes),
        ...attributes(s.metadata, 'metadata'),
        resource_id: s.resourceId,
        scope_id: s.scopeId,
      };
    });
  }
  stack(key: string, row: () => StackRow): number {
    return this.stacks.id(key, () => {
      const { frames } = row();
      return { leaf: frames[0]?.function ?? '', frames: frames.map((frame) => ({ ...frame })) };
    });
  }
  seriesId(key: string): number | undefined {
    return this.seriesIds.known(key);
  }
  drain(hot: HotRows, nowMs: number): void {
    for (const table of this.tables) table.drain(hot, nowMs);
  }
}

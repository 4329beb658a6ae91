import { FaultlineError } from '#contracts/errors.ts';
import type { QueryResult, ResultParts } from '#contracts/store.ts';
import { arrowStream } from './arrow-stream.ts';
import type { ColumnData } from './column-data.ts';

/** Implements contracts/store.ts QueryResult over columns copied out of DuckDB. */
export class StoreQueryResult implements QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rowCount: number;
  readonly truncated: boolean;
  private readonly data: readonly ColumnData[];

  constructor(data: readonly ColumnData[], rowCount: number, truncated: boolean) {
    this.data = data;
    this.columns = data.map(({ name, type }) => ({ name, type }));
    this.rowCount = rowCount;
    this.truncated = truncated;
  }
  column(name: string): ArrayLike<number> | ArrayLike<bigint> | readonly (string | null)[] {
    return this.find(name).all();
  }
  eachBlob(name: string, visit: (row: number, bytes: Uint8Array, from: number, to: number) => void): void {
    this.find(name).eachBlob(visit);
  }
  isNull(name: string, row: number): boolean {
    return this.find(name).isNull(row);
  }
  rows(): Record<string, unknown>[] {
    const values = this.data.map((column) => column.all());
    return Array.from({ length: this.rowCount }, (_, row) => {
      const out: Record<string, unknown> = {};
      this.data.forEach((column, i) => {
        out[column.name] = column.isNull(row) ? null : plain(values[i]![row]!, column.type);
      });
      return out;
    });
  }
  handOver(): { parts: ResultParts; memory: ArrayBuffer[] } {
    const memory = new Set<ArrayBuffer>();
    const columns = this.data.map(({ name, type, pieces }) => {
      for (const { valid, bytes, offsets } of pieces)
        for (const part of [valid, bytes, offsets]) if (part && part.byteLength > 0) memory.add(part.buffer as ArrayBuffer);
      return { name, type, pieces: pieces.splice(0) };
    });
    return { parts: { rowCount: this.rowCount, truncated: this.truncated, columns }, memory: [...memory] };
  }
  toArrow(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    return arrowStream(this.data, metadata);
  }
  private find(name: string): ColumnData {
    const column = this.data.find((candidate) => candidate.name === name);
    if (!column)
      throw new FaultlineError('query_failed', `The result has no column "${name}", but ${this.data.map((c) => c.name).join(', ')}.`);
    return column;
  }
}

const PER_SECOND: Readonly<Record<string, bigint>> = {
  TIMESTAMP_S: 1n,
  TIMESTAMP_MS: 1_000n,
  TIMESTAMP: 1_000_000n,
  'TIMESTAMP WITH TIME ZONE': 1_000_000n,
  TIMESTAMP_NS: 1_000_000_000n,
};
/** JSON-safe: times as RFC 3339 with all their digits, 64-bit integers as text. */
function plain(value: number | bigint | string, type: string): unknown {
  if (type === 'BOOLEAN') return value === 1;
  if (type === 'DATE') return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
  const perSecond = PER_SECOND[type];
  if (perSecond !== undefined) return rfc3339(BigInt(value), perSecond);
  return typeof value === 'bigint' ? value.toString() : value;
}
function rfc3339(units: bigint, perSecond: bigint): string {
  const seconds = units / perSecond - (units % perSecond < 0n ? 1n : 0n);
  const ms = Number(seconds) * 1000;
  // Beyond JavaScript's calendar (and DuckDB's infinity) there is no RFC 3339 text.
  if (!(Math.abs(ms) <= 8.64e15)) return units.toString();
  const fraction = units - seconds * perSecond;
  const digits = perSecond === 1n ? '' : `.${fraction.toString().padStart(perSecond.toString().length - 1, '0')}`;
  return `${new Date(ms).toISOString().slice(0, -5)}${digits}Z`;
}

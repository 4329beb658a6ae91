import { FaultlineError } from '#contracts/errors.ts';
import type { QueryResult, ResultParts } from '#contracts/store.ts';
import { ColumnData, type ReadType } from '../run/column-data.ts';

/** A result in another thread than the store's (QueryResult.handOver): its columns, and nothing that needs the database. */
export class CarriedResult implements QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rowCount: number;
  readonly truncated: boolean;
  private readonly data: ReadonlyMap<string, ColumnData>;

  constructor({ rowCount, truncated, columns }: ResultParts) {
    this.rowCount = rowCount;
    this.truncated = truncated;
    this.columns = columns;
    this.data = new Map(
      columns.map(({ name, type, pieces }) => {
        const column = new ColumnData(name, type as ReadType);
        for (const piece of pieces) column.add(piece);
        return [name, column];
      }),
    );
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
  rows(): never {
    return staysBehind();
  }
  handOver(): never {
    return staysBehind();
  }
  toArrow(): never {
    return staysBehind();
  }
  private find(name: string): ColumnData {
    const column = this.data.get(name);
    if (!column) throw new FaultlineError('query_failed', `The result has no column "${name}".`);
    return column;
  }
}
function staysBehind(): never {
  throw new FaultlineError('internal', 'BUG: asked of a result that was carried to another thread, which holds its columns only');
}

import { invariant } from '#contracts/errors.ts';
import type { NativeHeap } from '../native/native-heap.ts';
import type { Block } from './block.ts';
import { type BlockView, HotTable, type HotTableSpec } from './hot-table.ts';

/** What one statement sees of the hot rows. Its memory stays until `release`. */
export interface Snapshot {
  readonly views: ReadonlyMap<string, readonly BlockView[]>;
  release(): void;
}

/**
 * All hot tables. A statement looks at a snapshot bound to its connection, so that it sees the same rows however often
 * it names a view, and no memory is freed under it: blocks taken out at time t are freed once every snapshot taken
 * before t is released.
 */
export class HotRows {
  private readonly tables = new Map<string, HotTable>();
  private readonly byConnection = new Map<number, Snapshot>();
  private readonly active = new Set<{ readonly clock: number }>();
  private retired: { readonly clock: number; readonly table: HotTable; readonly block: Block }[] = [];
  private clock = 0;
  readonly heap: NativeHeap;

  constructor(specs: readonly HotTableSpec[], heap: NativeHeap) {
    this.heap = heap;
    for (const spec of specs) this.tables.set(spec.name, new HotTable(spec, heap));
  }

  table(name: string): HotTable {
    const table = this.tables.get(name);
    invariant(table, `no hot table ${name}`);
    return table;
  }

  /** Everything visible now. */
  snapshot(): Snapshot {
    const views = new Map<string, readonly BlockView[]>();
    for (const [name, table] of this.tables) views.set(name, table.views());
    return this.hold(views);
  }

  /** Only these blocks: what a flush writes. */
  snapshotOf(table: string, blocks: readonly Block[]): Snapshot {
    return this.hold(new Map([[table, blocks.map((block) => ({ block, rows: block.rows }))]]));
  }

  /** Statements of this connection see this snapshot until it is released. */
  bind(connectionId: number, snapshot: Snapshot): void {
    this.byConnection.set(connectionId, snapshot);
  }
  unbind(connectionId: number): void {
    this.byConnection.get(connectionId)?.release();
    this.byConnection.delete(connectionId);
  }
  viewsFor(connectionId: number, table: string): readonly BlockView[] | null {
    const snapshot = this.byConnection.get(connectionId);
    if (snapshot) return snapshot.views.get(table) ?? [];
    return this.seesNothing.has(connectionId) ? [] : null;
  }
  /** Statements of this connection see no hot rows while it has no snapshot: it makes views, which bind the functions. */
  showNothing(connectionId: number): void {
    this.seesNothing.add(connectionId);
  }
  private readonly seesNothing = new Set<number>();

  /** Takes blocks out of sight for snapshots from now on. */
  retire(table: string, day: number, blocks: readonly Block[]): void {
    const hot = this.table(table);
    hot.remove(day, new Set(blocks));
    this.clock++;
    for (const block of blocks) this.retired.push({ clock: this.clock, table: hot, block });
    this.freeRetired();
  }

  /** Gives back what was kept for rows to come. */
  dropSpare(): void {
    for (const table of this.tables.values()) table.dropSpare();
    this.heap.dropSpare();
  }

  private hold(views: ReadonlyMap<string, readonly BlockView[]>): Snapshot {
    const mark = { clock: this.clock };
    this.active.add(mark);
    return {
      views,
      release: () => {
        if (this.active.delete(mark)) this.freeRetired();
      },
    };
  }

  private freeRetired(): void {
    let oldest = Number.POSITIVE_INFINITY;
    for (const mark of this.active) oldest = Math.min(oldest, mark.clock);
    const keep: typeof this.retired = [];
    for (const entry of this.retired) {
      if (entry.clock <= oldest) entry.table.free(entry.block);
      else keep.push(entry);
    }
    this.retired = keep;
  }
}

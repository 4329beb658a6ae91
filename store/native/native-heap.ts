import duckdb from '@duckdb/node-bindings';
import { FaultlineError } from '#contracts/errors.ts';

/** A copy of one batch's heap outside of JavaScript; cells address it by base + offset. */
export interface HeapCopy {
  readonly arena: Arena | null;
  readonly bytes: Uint8Array;
  /** Address of the first byte, low and high half; 0 in safe mode. */
  readonly baseLow: number;
  readonly baseHigh: number;
}
/** Native memory with a count of the blocks that point into it. */
export interface Arena {
  references: number;
  slots: number;
  sizeBytes: number;
  /** Closed: takes no more copies, so it can be freed as soon as nothing points into it. */
  closed: boolean;
  readonly chunk: duckdb.DataChunk;
}
// Reading an address back copies all cells before it: few slots keep that cheap.
const MAX_SLOTS = 64;
const MAX_ARENA_BYTES = 8 * 1024 * 1024;
const MAX_SPARE = 8;

/**
 * Copies heaps into the string memory of a scratch BLOB vector and reads the address back (facts/storage.md §2), so
 * that a column of strings is one memcpy. This leans on DuckDB's string_t layout: `self-test.ts` proves it at every
 * start, and with `direct` false the heaps stay in JavaScript and strings are handed over one by one.
 */
export class NativeHeap {
  readonly direct: boolean;
  private readonly spare: Arena[] = [];
  /** By table: in a common one the rows of a slow table would keep the strings of a fast one, which were long stored. */
  private readonly current = new Map<string, Arena>();
  /** Bytes of all live arenas. */
  sizeBytes = 0;

  constructor(direct: boolean) {
    this.direct = direct;
  }

  /** @param table whose rows are the first to need the strings */
  copy(bytes: Uint8Array, table: string): HeapCopy {
    // A copy whatever it is: `slice` of a Buffer would still be the decoder's memory.
    if (!this.direct) return { arena: null, bytes: new Uint8Array(bytes), baseLow: 0, baseHigh: 0 };
    const arena = this.arenaFor(table);
    const slot = arena.slots++;
    arena.sizeBytes += bytes.length;
    this.sizeBytes += bytes.length;
    if (arena.slots >= MAX_SLOTS || arena.sizeBytes >= MAX_ARENA_BYTES) this.close(table);
    const vector = duckdb.data_chunk_get_vector(arena.chunk, 0);
    duckdb.vector_assign_string_element_len(vector, slot, bytes);
    const cells = duckdb.vector_get_data(vector, (slot + 1) * 16);
    const view = new DataView(cells.buffer, cells.byteOffset + slot * 16, 16);
    if (view.getUint32(0, true) !== bytes.length) throw new FaultlineError('internal', 'BUG: the scratch vector holds another length.');
    return { arena, bytes, baseLow: view.getUint32(8, true), baseHigh: view.getUint32(12, true) };
  }

  /** One block fewer points into the arena. */
  release(arena: Arena): void {
    arena.references--;
    if (arena.references === 0 && arena.closed) this.free(arena);
  }

  /** Ends a table's current arena, so that a block's release can free it. */
  close(table: string): void {
    const arena = this.current.get(table);
    this.current.delete(table);
    if (!arena) return;
    arena.closed = true;
    // A copy was just made into it: whoever asked has not taken its reference yet, and will.
    if (arena.references === 0) this.pendingFree.push(arena);
  }
  private readonly pendingFree: Arena[] = [];
  /** Gives back what is kept for copies to come. */
  dropSpare(): void {
    this.spare.length = 0;
    for (const [table, arena] of this.current) if (arena.references === 0) this.close(table);
    this.sweep();
    this.spare.length = 0;
  }
  /** Frees closed arenas that nothing came to use (their batch was a replay). Called between appends. */
  sweep(): void {
    for (const arena of this.pendingFree.splice(0)) if (arena.references === 0) this.free(arena);
  }

  private arenaFor(table: string): Arena {
    const open = this.current.get(table);
    if (open) return open;
    const again = this.spare.pop();
    const chunk = again?.chunk ?? duckdb.create_data_chunk([duckdb.create_logical_type(duckdb.Type.BLOB)]);
    const arena = { references: 0, slots: 0, sizeBytes: 0, closed: false, chunk };
    this.current.set(table, arena);
    return arena;
  }

  private free(arena: Arena): void {
    if (arena.slots === 0) return;
    this.sizeBytes -= arena.sizeBytes;
    arena.slots = 0;
    arena.sizeBytes = 0;
    // Reset gives the string memory back now; leaving it to garbage collection let memory grow without bound.
    duckdb.data_chunk_reset(arena.chunk);
    if (this.spare.length < MAX_SPARE) this.spare.push(arena);
  }
}

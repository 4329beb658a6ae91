import duckdb from '@duckdb/node-bindings';
import type { Connection, Database } from '../database/database.ts';

/** Connections for reading. More statements than connections wait in order. */
export class ConnectionPool {
  private readonly idle: Connection[] = [];
  private readonly waiting: ((connection: Connection) => void)[] = [];
  private readonly busy = new Set<Connection>();
  private onIdle: (() => void) | null = null;

  static async open(database: Database, size: number): Promise<ConnectionPool> {
    const pool = new ConnectionPool();
    for (let i = 0; i < size; i++) pool.idle.push(await database.connect());
    return pool;
  }
  get isIdle(): boolean {
    return this.busy.size === 0;
  }
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.idle.pop() ?? (await new Promise<Connection>((resolve) => this.waiting.push(resolve)));
    this.busy.add(connection);
    try {
      return await work(connection);
    } finally {
      const next = this.waiting.shift();
      // Handed on without a moment of rest, in which the pool would look idle.
      if (next) next(connection);
      else this.rest(connection);
    }
  }
  private rest(connection: Connection): void {
    this.busy.delete(connection);
    this.idle.push(connection);
    if (this.busy.size === 0) this.onIdle?.();
  }

  /** Stops what runs and settles when nothing runs and nothing waits. */
  async drain(): Promise<void> {
    if (this.busy.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
    // Again and again: an interrupt reaches only a statement under way, and one that waited may begin after it.
    const again = setInterval(() => {
      for (const connection of this.busy) duckdb.interrupt(connection.raw);
    }, 20);
    await idle;
    clearInterval(again);
  }
}

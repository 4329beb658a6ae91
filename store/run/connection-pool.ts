import type { Connection, Database } from '../database/database.ts';

/** Connections for reading. More statements than connections wait in order. */
export class ConnectionPool {
  private readonly idle: Connection[] = [];
  private readonly waiting: ((connection: Connection) => void)[] = [];
  private busy = 0;
  private onIdle: (() => void) | null = null;

  static async open(database: Database, size: number): Promise<ConnectionPool> {
    const pool = new ConnectionPool();
    for (let i = 0; i < size; i++) pool.idle.push(await database.connect());
    return pool;
  }
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.idle.pop() ?? (await new Promise<Connection>((resolve) => this.waiting.push(resolve)));
    this.busy++;
    try {
      return await work(connection);
    } finally {
      this.busy--;
      const next = this.waiting.shift();
      if (next) next(connection);
      else this.idle.push(connection);
      if (this.busy === 0) this.onIdle?.();
    }
  }
  /** Settles when nothing runs and nothing waits. */
  async drained(): Promise<void> {
    if (this.busy > 0 || this.waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
  }
}

import duckdb from '@duckdb/node-bindings';
import { bytesText } from '#contracts/figure-text.ts';
import type { MigrationNews } from '#contracts/migration.ts';
import type { Connection } from '../database/database.ts';

export interface MigrationWatch {
  readonly tell: (news: MigrationNews) => void;
  /** A file of millions of rows takes minutes: news of it comes this often. 1 s when absent. */
  readonly everyMs?: number;
}
export const sayMigration = ({ file, bytes, from, to, state, table, part, seconds }: MigrationNews): string => {
  const what = `${file} (${bytesText(bytes)}): from layout ${from} to ${to}`;
  if (state === 'copying') return `${what}: a copy is made first`;
  const share = part === null ? '' : ` ${Math.round(part * 100)} % of its rows`;
  return state === 'done' ? `${what}: done in ${seconds} s` : `${what}: ${seconds} s so far${table === '' ? '' : `, ${table}${share}`}`;
};

/** Tells of one file: how it begins, every few seconds where it is, and that it is done. */
export class MigrationTeller {
  private readonly watch: MigrationWatch | undefined;
  private readonly about: Pick<MigrationNews, 'file' | 'bytes' | 'from' | 'to'>;
  private readonly connection: Connection;
  private readonly startedMs = performance.now();
  private state: MigrationNews['state'] = 'copying';
  private table = '';
  private timer: NodeJS.Timeout | null = null;

  constructor(connection: Connection, about: MigrationTeller['about'], watch: MigrationWatch | undefined) {
    this.connection = connection;
    this.about = about;
    this.watch = watch;
  }
  private tell(): void {
    const percent = this.state === 'changing' ? duckdb.query_progress(this.connection.raw).percentage : -1;
    const seconds = Math.round((performance.now() - this.startedMs) / 1000);
    this.watch?.tell({ ...this.about, state: this.state, table: this.table, part: percent < 0 ? null : percent / 100, seconds });
  }
  start(): void {
    if (!this.watch) return;
    this.tell();
    this.timer = setInterval(() => this.tell(), this.watch?.everyMs ?? 1_000);
  }
  /** Runs the statements. */
  async change(steps: readonly string[]): Promise<void> {
    this.state = 'changing';
    await this.connection.run('SET enable_progress_bar = true');
    await this.connection.run('SET enable_progress_bar_print = false');
    try {
      for (const sql of steps) {
        this.table = /^UPDATE \w+\.main\.(\w+)/.exec(sql)?.[1] ?? '';
        await this.connection.run(sql);
      }
      this.table = '';
    } finally {
      await this.connection.run('SET enable_progress_bar = false').catch(() => undefined);
    }
  }
  /** Safe twice. */
  end(done: boolean): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    if (!done) return;
    this.state = 'done';
    this.tell();
  }
}

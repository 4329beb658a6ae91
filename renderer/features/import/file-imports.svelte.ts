import { TABLE_FORMATS } from '#contracts/file-formats.ts';
import type { FileJob, StartJob, TableMapping, TablePreview } from '#contracts/import-files.ts';
import { ApiError, api } from '../../lib/api.ts';
import { failureLine } from '../../lib/say.ts';
import { m } from '../../paraglide/messages.js';
import type { Dropped } from './dropped-files.ts';
import { sendParts } from './send-parts.ts';

/** A file somebody dropped, from the first byte sent to what became of it. */
export interface ImportItem {
  readonly key: number;
  readonly name: string;
  readonly bytes: number;
  /** null: not announced to the console yet. */
  readonly job: FileJob | null;
  readonly paused: boolean;
  /** Stopped by the person before it was here. */
  readonly stopped: boolean;
  readonly preview: TablePreview | null;
  readonly error: string;
}
const POLL_MS = 400;
/** How often a file is sent again before its sender is told. */
const MAX_RESENT = 10;
const UNDER_WAY: readonly FileJob['state'][] = ['waiting', 'running', 'paused'];
const isForgotten = (error: unknown): boolean => error instanceof ApiError && error.status === 404;
const isTable = (format: string | null): boolean => (TABLE_FORMATS as readonly (string | null)[]).includes(format);

/** All files of this page, one sent after the other; the console imports one at a time. */
class FileImports {
  items = $state.raw<readonly ImportItem[]>([]);
  /** The dialog is shown. */
  shown = $state(false);
  /** Not all files of the last drop were taken. */
  isCut = $state(false);
  /** An engine that restarts forgets what it was sent. */
  private readonly files = new Map<number, File>();
  /** How a file was started last. */
  private readonly started = new Map<number, StartJob>();
  private readonly resent = new Map<number, number>();
  private readonly wakes = new Map<number, () => void>();
  private sending: Promise<void> = Promise.resolve();
  private next = 1;
  private polling = false;
  /** Newest question for the columns of a file; answers to older ones are passed over. */
  private readonly asked = new Map<number, number>();

  add(files: Iterable<File>): void {
    for (const file of files) {
      const key = this.put(file.name, file.size, '');
      this.files.set(key, file);
      this.line(key);
    }
  }
  drop({ files, unread, isCut }: Dropped): void {
    this.isCut = isCut;
    this.add(files);
    for (const { name, says } of unread) this.put(name, 0, m.import_unreadable({ says }));
  }
  private put(name: string, bytes: number, error: string): number {
    const key = this.next++;
    this.items = [...this.items, { key, name, bytes, job: null, paused: false, stopped: false, preview: null, error }];
    this.shown = true;
    return key;
  }
  /** One is sent after the other. */
  private line(key: number): void {
    this.sending = this.sending.then(() => this.send(key));
  }
  /** What the console does not know any more is sent again (nothing comes in twice); anything else is told. */
  private failed(key: number, error: unknown): void {
    const times = this.resent.get(key) ?? 0;
    if (isForgotten(error) && this.files.has(key) && times < MAX_RESENT) {
      this.resent.set(key, times + 1);
      this.line(key);
    } else this.change(key, { error: failureLine(error) });
  }
  private item(key: number): ImportItem | undefined {
    return this.items.find((each) => each.key === key);
  }
  private change(key: number, part: Partial<ImportItem>): void {
    this.items = this.items.map((each) => (each.key === key ? { ...each, ...part } : each));
  }
  private async send(key: number): Promise<void> {
    const file = this.files.get(key);
    if (!file || this.item(key)?.stopped) return;
    try {
      const job = await sendParts(file, {
        rest: () => (this.item(key)?.paused ? new Promise((resolve) => this.wakes.set(key, resolve)) : null),
        stopped: () => this.item(key)?.stopped ?? true,
        onJob: (given) => this.change(key, { job: given }),
      });
      const started = this.started.get(key);
      if (!job) return;
      if (started) await this.start(key, started);
      else if (job.format === null) return;
      else if (isTable(job.format)) await this.show(key, job.format, null);
      else await this.start(key, {});
    } catch (error) {
      this.failed(key, error);
    }
  }
  /** Reads a table's columns, by a mapping or as the console proposes. */
  async show(key: number, format: string, mapping: TableMapping | null): Promise<void> {
    const { job, preview: before } = this.item(key) ?? {};
    if (!job) return;
    const asked = (this.asked.get(key) ?? 0) + 1;
    this.asked.set(key, asked);
    // Shown at once: the next change is made on top of it.
    if (before && mapping) this.change(key, { preview: { ...before, mapping } });
    try {
      const preview = await api.post<TablePreview>(`/console/uploads/${job.id}/preview`, { format, mapping });
      if (asked === this.asked.get(key)) this.change(key, { preview, error: '', job: { ...job, format } });
    } catch (error) {
      if (asked === this.asked.get(key)) this.failed(key, error);
    }
  }
  /** What a person says a file is. */
  async choose(key: number, format: string): Promise<void> {
    if (isTable(format)) await this.show(key, format, null);
    else await this.start(key, { format });
  }
  async start(key: number, request: StartJob): Promise<void> {
    const job = this.item(key)?.job;
    if (!job) return;
    // An answer about its columns that is still on its way would bring back what was before.
    this.asked.set(key, (this.asked.get(key) ?? 0) + 1);
    this.started.set(key, request);
    try {
      this.change(key, { job: await api.post<FileJob>(`/console/uploads/${job.id}/start`, request), preview: null, error: '' });
      void this.poll();
    } catch (error) {
      this.failed(key, error);
    }
  }
  pause(key: number): void {
    this.change(key, { paused: true });
    void this.control(key, 'pause');
  }
  resume(key: number): void {
    this.change(key, { paused: false });
    this.wakes.get(key)?.();
    void this.control(key, 'resume');
  }
  cancel(key: number): void {
    this.change(key, { stopped: true, paused: false, preview: null });
    this.files.delete(key);
    this.wakes.get(key)?.();
    void this.control(key, 'cancel');
  }
  private async control(key: number, action: 'pause' | 'resume' | 'cancel'): Promise<void> {
    const job = this.item(key)?.job;
    if (!job || (job.state === 'receiving' && action !== 'cancel')) return;
    try {
      this.change(key, { job: await api.post<FileJob>(`/console/uploads/${job.id}/control`, { action }) });
    } catch (error) {
      if (!isForgotten(error)) this.change(key, { error: failureLine(error) });
    }
  }
  private async poll(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    try {
      while (this.items.some(({ job }) => job !== null && UNDER_WAY.includes(job.state))) {
        await new Promise((done) => window.setTimeout(done, POLL_MS));
        await this.refresh();
      }
    } finally {
      this.polling = false;
    }
  }
  private async refresh(): Promise<void> {
    let jobs: readonly FileJob[];
    try {
      ({ jobs } = await api.json<{ jobs: FileJob[] }>('/console/uploads'));
    } catch {
      // The banner says that the console is away.
      return;
    }
    const byId = new Map(jobs.map((job) => [job.id, job]));
    this.items = this.items.map((item) => {
      if (item.job === null || item.job.state === 'receiving' || item.preview !== null) return item;
      const job = byId.get(item.job.id);
      if (job) return { ...item, job };
      if (!UNDER_WAY.includes(item.job.state)) return item;
      // The engine has restarted and forgot it.
      this.line(item.key);
      return { ...item, job: { ...item.job, state: 'receiving', receivedBytes: 0 }, paused: false };
    });
  }
}
export const imports = new FileImports();

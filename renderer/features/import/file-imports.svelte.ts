import { TABLE_FORMATS } from '#contracts/file-formats.ts';
import type { FileJob, StartJob, TableMapping, TablePreview } from '#contracts/import-files.ts';
import { api } from '../../lib/api.ts';
import { failureLine } from '../../lib/say.ts';
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
const UNDER_WAY: readonly FileJob['state'][] = ['waiting', 'running', 'paused'];
const isTable = (format: string | null): boolean => (TABLE_FORMATS as readonly (string | null)[]).includes(format);

/** All files of this page, one sent after the other; the console imports one at a time. */
class FileImports {
  items = $state.raw<readonly ImportItem[]>([]);
  /** The dialog is shown. */
  shown = $state(false);
  private readonly files = new Map<number, File>();
  private readonly wakes = new Map<number, () => void>();
  private sending: Promise<void> = Promise.resolve();
  private next = 1;
  private polling = false;
  /** Newest question for the columns of a file; answers to older ones are passed over. */
  private readonly asked = new Map<number, number>();

  add(files: Iterable<File>): void {
    for (const file of files) {
      const key = this.next++;
      this.files.set(key, file);
      this.items = [
        ...this.items,
        { key, name: file.name, bytes: file.size, job: null, paused: false, stopped: false, preview: null, error: '' },
      ];
      this.sending = this.sending.then(() => this.send(key, file));
      this.shown = true;
    }
  }
  private item(key: number): ImportItem | undefined {
    return this.items.find((each) => each.key === key);
  }
  private change(key: number, part: Partial<ImportItem>): void {
    this.items = this.items.map((each) => (each.key === key ? { ...each, ...part } : each));
  }
  private async send(key: number, file: File): Promise<void> {
    if (this.item(key)?.stopped) return;
    try {
      const job = await sendParts(file, {
        rest: () => (this.item(key)?.paused ? new Promise((resolve) => this.wakes.set(key, resolve)) : null),
        stopped: () => this.item(key)?.stopped ?? true,
        onJob: (given) => this.change(key, { job: given }),
      });
      this.files.delete(key);
      if (!job) return;
      if (job.format === null) return;
      if (isTable(job.format)) await this.show(key, job.format, null);
      else await this.start(key, {});
    } catch (error) {
      this.change(key, { error: failureLine(error) });
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
      if (asked === this.asked.get(key)) this.change(key, { error: failureLine(error), preview: null });
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
    try {
      this.change(key, { job: await api.post<FileJob>(`/console/uploads/${job.id}/start`, request), preview: null, error: '' });
      void this.poll();
    } catch (error) {
      this.change(key, { error: failureLine(error) });
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
      this.change(key, { error: failureLine(error) });
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
      // The engine has restarted and forgot it: sent again, nothing comes in twice.
      return UNDER_WAY.includes(item.job.state) ? { ...item, job: { ...item.job, state: 'failed', error: '' } } : item;
    });
  }
}
export const imports = new FileImports();

import type { ImportCall, ImportNews } from '#contracts/import-process.ts';
import type { ChildHandle, ProcessHost } from './process-host.ts';

export interface ImporterOptions {
  readonly host: ProcessHost;
  readonly onNews: (news: ImportNews) => void;
  /** It ended without being told to. */
  readonly onEnded: (reason: string) => void;
  readonly onStarted: () => void;
}
/** The importer: started by the first file, never restarted by itself, killed without asking (what it sent is known by its batch ids). */
export class ImporterChild {
  private readonly options: ImporterOptions;
  private child: ChildHandle | null = null;

  constructor(options: ImporterOptions) {
    this.options = options;
  }
  get pid(): number | undefined {
    return this.child?.pid;
  }
  call(call: ImportCall): void {
    if (!this.child) {
      // Nothing is under way that could be paused or cancelled.
      if (call.call === 'control') return;
      this.start();
    }
    this.child?.send({ type: 'import-call', call });
  }
  /** Safe twice. */
  kill(): void {
    const { child } = this;
    this.child = null;
    child?.kill();
  }
  private start(): void {
    const child = this.options.host.spawn('importer');
    this.child = child;
    child.onMessage((message) => {
      if (this.child === child && message.type === 'import-news') this.options.onNews(message.news);
    });
    child.onExit((reason) => {
      if (this.child !== child) return;
      this.child = null;
      this.options.onEnded(reason);
    });
    this.options.onStarted();
  }
}

import type { ModelCall, ModelNews } from '#contracts/llm-process.ts';
import type { ChildHandle, ProcessHost } from './process-host.ts';

export interface OnDemandOptions {
  readonly host: ProcessHost;
  readonly onNews: (news: ModelNews) => void;
  /** It ended without being told to. */
  readonly onEnded: (reason: string, lastCall: number) => void;
  readonly onStarted: () => void;
}
/** The llm process: started by the first call, never restarted by itself, killed without asking (it holds no state). */
export class OnDemandChild {
  private readonly options: OnDemandOptions;
  private child: ChildHandle | null = null;
  private lastCall = 0;

  constructor(options: OnDemandOptions) {
    this.options = options;
  }
  get pid(): number | undefined {
    return this.child?.pid;
  }
  call(call: ModelCall): void {
    if (!this.child) {
      // A cancel that comes after the end has nothing to stop.
      if (call.call === 'cancel') return;
      this.start();
    }
    this.lastCall = call.id;
    this.child?.send({ type: 'llm-call', call });
  }
  /** Safe twice. */
  kill(): void {
    const { child } = this;
    this.child = null;
    child?.kill();
  }
  private start(): void {
    const child = this.options.host.spawn('llm');
    this.child = child;
    child.onMessage((message) => {
      if (this.child === child && message.type === 'llm-news') this.options.onNews(message.news);
    });
    child.onExit((reason) => {
      if (this.child !== child) return;
      this.child = null;
      this.options.onEnded(reason, this.lastCall);
    });
    this.options.onStarted();
  }
}

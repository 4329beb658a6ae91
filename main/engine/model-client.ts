import { ERRORS, type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import { bytesText } from '#contracts/figure-text.ts';
import type { AbortLike, InspectedModel, LanguageModel, ModelAnswer, ModelProgress, ModelRequest, ModelState } from '#contracts/llm.ts';
import type { ModelCall, ModelLoad, ModelNews } from '#contracts/llm-process.ts';
import type { ParentPort } from '#contracts/processes.ts';

export interface ModelClientOptions {
  readonly send: ParentPort['send'];
  /** The process is ended this long after its last call. */
  readonly idleMs: number;
  /** Resident bytes above which it is ended. */
  readonly maxBytes: number;
  /** Bytes a new process may take now. */
  readonly availableBytes: () => number;
  readonly log: (line: string) => void;
}
/** Since the engine started. */
export interface ModelCounts {
  asked: number;
  answered: number;
  cancelled: number;
  late: number;
  crashed: number;
  overMemory: number;
  refused: number;
}
type Work = Exclude<ModelCall, { call: 'cancel' }>;
interface Job {
  readonly call: Work;
  readonly onNews: ((news: ModelNews) => void) | undefined;
  readonly resolve: (news: ModelNews) => void;
  readonly reject: (error: FaultlineError) => void;
  /** Its caller has been answered; the process may still be busy with it. */
  settled: boolean;
  timer: NodeJS.Timeout | null;
  /** What it was doing, for the sentence after a crash. */
  stage: ModelProgress['stage'];
  /** Sent to a process that was there before, which has said nothing about it yet: it may have been dead already. */
  unheard: boolean;
}
/** Calls that may wait; more are refused. */
const MAX_WAITING = 32;
/** After a cancel or a deadline the process has this long to come to the end of its chunk: then it is killed. */
const GRACE_MS = 200;
const COUNT_DEADLINE_MS = 120_000;
const STAGE_WORDS = { loading: 'loaded', reading: 'read the question', writing: 'wrote the answer' } as const;

/**
 * The engine's end of the local model: queues calls, starts the process by calling it and ends it when it is idle, too
 * large, too late or does not hear a cancel. The process may be gone at any moment: the next call starts a fresh one.
 */
export class ModelClient implements LanguageModel {
  private readonly options: ModelClientOptions;
  private chosen: ModelLoad | null = null;
  private readonly waiting: Job[] = [];
  private running: Job | null = null;
  /** Whether a process is there, as far as is known, and holds the chosen model. */
  private up = false;
  private loaded = false;
  private idle: NodeJS.Timeout | null = null;
  private error = '';
  private rssBytes = 0;
  private nextId = 1;
  readonly counts: ModelCounts = { asked: 0, answered: 0, cancelled: 0, late: 0, crashed: 0, overMemory: 0, refused: 0 };

  constructor(options: ModelClientOptions) {
    this.options = options;
  }
  /** The model to ask from now on; null: none. What runs with another one is cancelled. */
  choose(load: ModelLoad | null): void {
    if (load?.file.sha256 === this.chosen?.file.sha256 && load?.path === this.chosen?.path) return;
    // A process that has only checked a file may stay for the first question.
    if (this.chosen !== null) this.close('another model was chosen');
    this.chosen = load;
    this.error = '';
  }
  state(): ModelState {
    const model = this.chosen?.file ?? null;
    return { state: this.stateName(), model, error: this.error, rssBytes: this.up ? this.rssBytes : 0 };
  }
  private stateName(): ModelState['state'] {
    if (this.running && this.running.call.call !== 'inspect') return this.loaded ? 'busy' : 'starting';
    if (this.chosen === null) return 'none';
    if (this.loaded) return 'ready';
    return this.error === '' ? 'idle' : 'failed';
  }
  async countTokens(text: string): Promise<number> {
    const news = await this.submit({ call: 'count', id: this.nextId++, load: this.load(), text }, { deadlineMs: COUNT_DEADLINE_MS });
    return news.news === 'counted' ? news.tokens : 0;
  }
  async ask(
    { prompt, grammar, maxTokens, deadlineMs }: ModelRequest,
    options: { readonly signal?: AbortLike; readonly onProgress?: (progress: ModelProgress) => void } = {},
  ): Promise<ModelAnswer> {
    this.counts.asked++;
    const call: Work = { call: 'ask', id: this.nextId++, load: this.load(), request: { prompt, grammar, maxTokens } };
    const { onProgress, signal } = options;
    const onNews = (news: ModelNews): void => {
      if (news.news === 'progress') onProgress?.(news.progress);
    };
    const news = await this.submit(call, { deadlineMs, onNews, ...(signal ? { signal } : {}) });
    if (news.news !== 'answer') throw new FaultlineError('internal', `BUG: the model answered a question with "${news.news}"`);
    this.counts.answered++;
    return news.answer;
  }
  /** Checks a file in the llm process, where a hostile one harms nothing. @throws FaultlineError model_file ... */
  async inspect(
    path: string,
    options: { readonly signal?: AbortLike; readonly onProgress?: (doneBytes: number, totalBytes: number) => void } = {},
  ): Promise<InspectedModel> {
    const { onProgress, signal } = options;
    const onNews = (news: ModelNews): void => {
      if (news.news === 'inspecting') onProgress?.(news.doneBytes, news.totalBytes);
    };
    const call: Work = { call: 'inspect', id: this.nextId++, path };
    const news = await this.submit(call, { onNews, ...(signal ? { signal } : {}) });
    if (news.news !== 'inspected') throw new FaultlineError('internal', `BUG: the model answered a check with "${news.news}"`);
    return news.inspected;
  }

  hear(news: ModelNews): void {
    if (news.news === 'vitals') {
      this.weigh(news.rssBytes);
      return;
    }
    const job = this.running;
    if (job?.call.id !== news.id) return;
    job.unheard = false;
    if (news.news === 'progress') {
      job.stage = news.progress.stage;
      this.loaded = news.progress.stage !== 'loading';
    }
    if (news.news === 'progress' || news.news === 'inspecting') {
      if (!job.settled) job.onNews?.(news);
      return;
    }
    if (news.news === 'error') this.settle(job, new FaultlineError(codeOf(news.code), news.message));
    else this.settle(job, news);
    this.loaded ||= news.news === 'counted' || news.news === 'answer';
    this.error = news.news === 'error' && news.code === 'model_failed' ? news.message : '';
    this.next();
  }
  /** A process ended without being told to; lastCall is the last one it was sent. */
  ended(reason: string, lastCall: number): void {
    const job = this.running;
    // An older process: this call has started another one already.
    if (job && job.call.id > lastCall) return;
    this.up = false;
    this.loaded = false;
    if (!job) return;
    if (job.unheard && !job.settled) {
      this.waiting.unshift(job);
      this.next();
      return;
    }
    this.counts.crashed++;
    const doing = job.call.call === 'inspect' ? 'checked a file' : STAGE_WORDS[job.stage];
    this.error = `The model process ended (${reason}) while it ${doing}.`;
    this.settle(job, new FaultlineError('model_crashed', this.error));
    this.next();
  }
  /** Ends the process and everything that waits. Safe twice. */
  close(why = 'the console stops'): void {
    for (const job of this.waiting.splice(0))
      this.settle(job, new FaultlineError('model_cancelled', `The question was cancelled: ${why}.`));
    if (this.running) this.settle(this.running, new FaultlineError('model_cancelled', `The question was cancelled: ${why}.`));
    this.stopProcess();
  }

  private load(): ModelLoad {
    if (this.chosen) return this.chosen;
    throw new FaultlineError('model_none', ERRORS.model_none.says);
  }
  private submit(
    call: Work,
    {
      deadlineMs,
      signal,
      onNews,
    }: { readonly deadlineMs?: number; readonly signal?: AbortLike; readonly onNews?: (news: ModelNews) => void },
  ): Promise<ModelNews> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelled());
      if (this.waiting.length >= MAX_WAITING) {
        this.counts.refused++;
        return reject(new FaultlineError('model_busy', `${MAX_WAITING} questions wait for the model already.`));
      }
      const job: Job = { call, resolve, reject, onNews, settled: false, timer: null, stage: 'loading', unheard: false };
      if (deadlineMs !== undefined) job.timer = setTimeout(() => this.giveUp(job, late(deadlineMs)), deadlineMs);
      signal?.addEventListener('abort', () => this.giveUp(job, cancelled()));
      this.waiting.push(job);
      if (!this.running) this.next();
      return undefined;
    });
  }
  private settle(job: Job, result: ModelNews | FaultlineError): void {
    if (job.timer) clearTimeout(job.timer);
    if (job.settled) return;
    job.settled = true;
    if (result instanceof FaultlineError) job.reject(result);
    else job.resolve(result);
  }
  /** Cancelled or late: the caller is answered at once, the process is asked to stop and killed when it does not. */
  private giveUp(job: Job, error: FaultlineError): void {
    if (job.settled) return;
    if (error.code === 'model_deadline') this.counts.late++;
    else this.counts.cancelled++;
    this.settle(job, error);
    const at = this.waiting.indexOf(job);
    if (at >= 0) this.waiting.splice(at, 1);
    if (this.running !== job) return;
    this.options.send({ type: 'llm-call', call: { call: 'cancel', id: job.call.id } });
    job.timer = setTimeout(() => {
      if (this.running !== job) return;
      this.options.log('the model does not hear the cancel: its process is ended');
      this.stopProcess();
      this.next();
    }, GRACE_MS);
  }
  private next(): void {
    this.running = null;
    const job = this.waiting.shift();
    if (this.idle) clearTimeout(this.idle);
    this.idle = null;
    if (!job) {
      if (this.up) this.idle = setTimeout(() => this.stopProcess(), this.options.idleMs);
      this.idle?.unref();
      return;
    }
    const short = this.shortOfMemory(job.call);
    if (short) {
      this.settle(job, short);
      this.next();
      return;
    }
    this.running = job;
    job.unheard = this.up;
    this.up = true;
    this.options.send({ type: 'llm-call', call: job.call });
  }
  /** Before a load: what is free now, not what was free when the model was added. */
  private shortOfMemory(call: Work): FaultlineError | null {
    if (call.call === 'inspect' || this.loaded) return null;
    const { neededBytes, file } = call.load;
    const available = Math.min(this.options.availableBytes(), this.options.maxBytes);
    if (neededBytes <= available) return null;
    return new FaultlineError('model_memory', `${file.name} needs about ${bytesText(neededBytes)}, ${bytesText(available)} may be used.`);
  }
  private weigh(rssBytes: number): void {
    this.rssBytes = rssBytes;
    if (rssBytes <= this.options.maxBytes) return;
    this.counts.overMemory++;
    this.error = `The model process took ${bytesText(rssBytes)}, its limit is ${bytesText(this.options.maxBytes)}: it was ended.`;
    if (this.running) this.settle(this.running, new FaultlineError('model_memory', this.error));
    this.stopProcess();
    this.next();
  }
  private stopProcess(): void {
    if (this.idle) clearTimeout(this.idle);
    this.idle = null;
    this.running = null;
    this.loaded = false;
    if (!this.up) return;
    this.up = false;
    this.options.send({ type: 'llm-stop' });
  }
}
const cancelled = (): FaultlineError => new FaultlineError('model_cancelled', 'The question was cancelled.');
const late = (deadlineMs: number): FaultlineError =>
  new FaultlineError('model_deadline', `The model did not answer within ${deadlineMs} ms.`);
const codeOf = (code: string): ErrorCode => (code in ERRORS ? (code as ErrorCode) : 'model_failed');

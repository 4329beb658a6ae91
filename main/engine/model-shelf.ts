import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { type ModelJob, type Models, type ShelfModel, shelfModelSchema } from '#contracts/console-models.ts';
import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import { bytesText } from '#contracts/figure-text.ts';
import type { Store } from '#contracts/store.ts';
import { DEMO_SEED, makeDemoModel } from '#models/demo-model/make-demo-model.ts';
import { RIGHT_ANSWER, TEST_QUESTION } from '#models/test-question.ts';
import type { ModelClient, ModelCounts } from './model-client.ts';

export interface ModelShelfOptions {
  readonly store: Pick<Store, 'getState' | 'setState'>;
  readonly client: ModelClient;
  readonly dataDir: string;
  readonly maxBytes: number;
  readonly idleSeconds: number;
  readonly availableBytes: () => number;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
const STATE_KEY = 'models';
const shelfSchema = z.object({ models: z.array(shelfModelSchema), current: z.string().nullable() });
type Shelf = z.infer<typeof shelfSchema>;

const MAX_MODELS = 50;
const TEST_DEADLINE_MS = 300_000;
const demoFile = (dataDir: string): string => join(dataDir, 'models', `faultline-demo-${DEMO_SEED}.gguf`);

/**
 * The model files somebody added, which of them is asked, and the one job (check and add, test run) that may run. Files are
 * used where they lie, never copied: they have gigabytes, and a changed one is noticed before each load.
 */
export class ModelShelf {
  private readonly options: ModelShelfOptions;
  private shelf: Shelf = { models: [], current: null };
  private job: ModelJob | null = null;
  private abort: AbortController | null = null;
  private finished: Promise<void> = Promise.resolve();
  private writing: Promise<void> = Promise.resolve();

  constructor(options: ModelShelfOptions) {
    this.options = options;
  }
  /** What was added in earlier runs. A shelf that cannot be read is an empty one, said in the log. */
  async open(): Promise<void> {
    const json = await this.options.store.getState(STATE_KEY);
    if (json === null) return;
    const parsed = shelfSchema.safeParse(parseJson(json));
    if (!parsed.success) return this.options.log('the list of local models cannot be read: add them again');
    this.shelf = parsed.data;
    this.tellClient();
  }
  describe(): Models {
    const { client, maxBytes, idleSeconds, availableBytes } = this.options;
    const { state, error, rssBytes } = client.state();
    return {
      models: this.shelf.models,
      current: this.shelf.current,
      state: { state, error, rssBytes },
      job: this.job,
      availableBytes: availableBytes(),
      maxBytes,
      idleSeconds,
      counts: { ...this.counts },
    };
  }
  /** Of the llm process; 0 while there is none. */
  get rssBytes(): number {
    return this.options.client.state().rssBytes;
  }
  get counts(): Readonly<ModelCounts> {
    return this.options.client.counts;
  }
  /** Starts the job that checks a file and puts it on the shelf, as the one to ask. */
  add(path: string): void {
    if (!isAbsolute(path)) throw new FaultlineError('model_file', `"${path}" is not a whole path: say where the file lies, from the root.`);
    this.start('add', basename(path), (signal) => this.checkAndAdd(path, signal));
  }
  addDemo(): void {
    const path = demoFile(this.options.dataDir);
    this.start('add', basename(path), async (signal) => {
      mkdirSync(join(this.options.dataDir, 'models'), { recursive: true, mode: 0o700 });
      // Moved into place: writing over a file that the llm process has mapped would end it.
      writeFileSync(`${path}.new`, makeDemoModel(), { mode: 0o600 });
      renameSync(`${path}.new`, path);
      await this.checkAndAdd(path, signal);
    });
  }
  /** Starts a test run of the current model. */
  test(): void {
    const model = this.shelf.models.find(({ file }) => file.sha256 === this.shelf.current);
    if (!model) throw new FaultlineError('model_none', ERRORS.model_none.says);
    this.start('test', model.file.name, (signal) => this.runTest(signal));
  }
  async choose(sha256: string | null): Promise<void> {
    if (sha256 !== null) this.find(sha256);
    await this.change((shelf) => ({ ...shelf, current: sha256 }));
  }
  /** Forgets a model. Its file is somebody else's and stays; the demo model we wrote ourselves goes. */
  async remove(sha256: string): Promise<void> {
    const gone = this.find(sha256);
    await this.change(({ models, current }) => ({
      models: models.filter(({ file }) => file.sha256 !== sha256),
      current: current === sha256 ? null : current,
    }));
    if (gone.path === demoFile(this.options.dataDir)) rmSync(gone.path, { force: true });
  }
  cancelJob(): void {
    this.abort?.abort();
  }
  /** Resolves when the job that runs, if any, has ended. */
  settled(): Promise<void> {
    return this.finished;
  }
  async stop(): Promise<void> {
    this.cancelJob();
    this.options.client.close();
    await this.finished;
  }

  private find(sha256: string): ShelfModel {
    const model = this.shelf.models.find(({ file }) => file.sha256 === sha256);
    if (model) return model;
    throw new FaultlineError('not_found', `There is no model ${sha256.slice(0, 80)}.`);
  }
  private start(kind: ModelJob['kind'], about: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.job?.state === 'running') throw new FaultlineError('model_busy', `"${this.job.about}" is still being worked on.`);
    const abort = new AbortController();
    this.abort = abort;
    this.job = { kind, about, state: 'running', stage: '', done: 0, total: 0, error: null, result: null };
    this.finished = work(abort.signal).then(
      () => this.note({ state: 'done', stage: '' }),
      (error: unknown) => this.noteFailure(error),
    );
  }
  private note(change: Partial<ModelJob>): void {
    if (this.job) this.job = { ...this.job, ...change };
  }
  private noteFailure(error: unknown): void {
    const code = error instanceof FaultlineError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    if (code === 'internal') this.options.log(`model: ${error instanceof Error ? error.stack : message}`);
    this.note({ state: code === 'model_cancelled' ? 'cancelled' : 'failed', stage: '', error: { code, message, todo: ERRORS[code].todo } });
  }
  private async checkAndAdd(path: string, signal: AbortSignal): Promise<void> {
    if (this.shelf.models.length >= MAX_MODELS)
      throw new FaultlineError('model_file', `There are ${MAX_MODELS} models already: remove one first.`);
    this.note({ stage: 'checking' });
    const inspected = await this.options.client.inspect(path, { signal, onProgress: (done, total) => this.note({ done, total }) });
    this.refuseTooLarge(inspected.file.name, inspected.neededBytes);
    const added: ShelfModel = { ...inspected, path, addedMs: this.options.nowMs() };
    const { sha256 } = inspected.file;
    await this.change(({ models }) => ({ models: [...models.filter(({ file }) => file.sha256 !== sha256), added], current: sha256 }));
  }
  private refuseTooLarge(name: string, neededBytes: number): void {
    const available = Math.min(this.options.availableBytes(), this.options.maxBytes);
    if (neededBytes <= available) return;
    throw new FaultlineError(
      'model_memory',
      `${name} needs about ${bytesText(neededBytes)} of memory; ${bytesText(available)} may be used.`,
    );
  }
  private async runTest(signal: AbortSignal): Promise<void> {
    const answer = await this.options.client.ask(
      { ...TEST_QUESTION, deadlineMs: TEST_DEADLINE_MS },
      {
        signal,
        onProgress: ({ stage, doneTokens, totalTokens }) => this.note({ stage, done: doneTokens, total: totalTokens }),
      },
    );
    const { text, promptTokens, answerTokens, loadMs, readMs, writeMs } = answer;
    const { rssBytes } = this.options.client.state();
    this.note({ result: { answer: text, right: text === RIGHT_ANSWER, promptTokens, answerTokens, loadMs, readMs, writeMs, rssBytes } });
  }
  /** One after the other: a change made while the one before is being written must not undo it. */
  private change(to: (shelf: Shelf) => Shelf): Promise<void> {
    const done = this.writing.then(async () => {
      const shelf = to(this.shelf);
      await this.options.store.setState(STATE_KEY, JSON.stringify(shelf));
      this.shelf = shelf;
      this.tellClient();
    });
    this.writing = done.catch(() => undefined);
    return done;
  }
  private tellClient(): void {
    this.options.client.choose(this.shelf.models.find(({ file }) => file.sha256 === this.shelf.current) ?? null);
  }
}
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

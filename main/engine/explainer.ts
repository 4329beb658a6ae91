import { createHash, randomUUID } from 'node:crypto';
import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { ExplainJob, ExplainOutcome, ExplainState, Explanation } from '#contracts/explanation.ts';
import type { Incident } from '#contracts/judgement.ts';
import type { LanguageModel, ModelFile } from '#contracts/llm.ts';
import type { Store } from '#contracts/store.ts';
import { PROMPT_VERSION } from '#models/prompts/write-prompt.ts';
import { checkAnswer, prepareQuestion, type Question } from '#models/rca/ask-cause.ts';
import type { IncidentBook } from './incident-book.ts';
import { orAborted } from './or-aborted.ts';

export interface ExplainerParts {
  readonly model: LanguageModel;
  readonly book: Pick<IncidentBook, 'get'>;
  readonly store: Pick<Store, 'modelCalls' | 'getState' | 'setState'>;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}
export interface ExplainOptions {
  /** Ask the model even when it has answered this very question before. */
  readonly again?: boolean;
  /** From the moment the model is this incident's, loading included. */
  readonly deadlineMs?: number;
}
export const DEFAULT_DEADLINE_MS = 120_000;
/** Incidents that may wait for the model; the next is refused. */
export const MAX_WAITING = 8;
/** An incident asked about by itself has been open for so long: the first ranking rests on few seconds. */
const SETTLED_MS = 60_000;
/** Key of whether incidents are asked about by themselves. */
const AUTO = 'explain.auto';
/** Key of this data folder's own name among the state, part of every cache key. */
const ENVIRONMENT = 'environment.id';

interface Job {
  job: ExplainJob;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}
/** What is filled in while a question is on its way; the rest stays as it is when it fails. */
type Draft = { -readonly [K in keyof Explanation]: Explanation[K] } & { cacheKey: string };

/**
 * Asks the local model about incidents, one at a time, checks what it says, and keeps a record of every call. Whatever
 * fails ends in an explanation with an outcome and a sentence; the template narrative is there in any case, and nothing
 * here changes an incident.
 */
export class Explainer {
  private readonly parts: ExplainerParts;
  private readonly jobs = new Map<string, Job>();
  private readonly listeners = new Set<(incidentId: string, job: ExplainJob | null) => void>();
  /** Incidents that were looked at for asking by itself; one look each. */
  private readonly considered = new Set<string>();
  private auto: boolean | null = null;
  private turn: Promise<unknown> = Promise.resolve();
  private stopping = false;

  constructor(parts: ExplainerParts) {
    this.parts = parts;
  }
  /** Called when a job starts, moves on (job) or is over (null). */
  onChange(listener: (incidentId: string, job: ExplainJob | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  /** Starts asking, or joins the question on its way. @throws not_found, model_busy */
  ask(incidentId: string, options: ExplainOptions = {}): ExplainJob {
    const running = this.jobs.get(incidentId);
    if (running !== undefined) return running.job;
    const incident = this.parts.book.get(incidentId);
    if (this.stopping) throw new FaultlineError('starting', 'The engine is stopping.');
    if (this.jobs.size > MAX_WAITING)
      throw new FaultlineError('model_busy', `${MAX_WAITING} incidents wait for the model. Ask again when they are explained.`);
    const job: ExplainJob = { incidentId, askedMs: this.parts.nowMs(), stage: 'waiting', doneTokens: 0, totalTokens: 0 };
    const abort = new AbortController();
    // Who is cancelled while he waits need not wait on; the one after him still waits for all before.
    const done = orAborted(this.turn, abort.signal)
      .catch(() => undefined)
      .then(() => this.run(incident, abort, options));
    this.turn = Promise.all([this.turn, done]).then(() => undefined);
    this.jobs.set(incidentId, { job, abort, done });
    this.tell(incidentId, job);
    return job;
  }
  async isAuto(): Promise<boolean> {
    this.auto ??= (await this.parts.store.getState(AUTO)) === 'true';
    return this.auto;
  }
  async setAuto(auto: boolean): Promise<void> {
    await this.parts.store.setState(AUTO, String(auto));
    this.auto = auto;
  }
  /** Called on each change of an incident: asks about it once, when that is wanted. Never rejects. */
  async consider(incident: Incident): Promise<void> {
    const { model, nowMs, store, log } = this.parts;
    const isDue = incident.status === 'open' && nowMs() - incident.openedMs >= SETTLED_MS && (incident.rca?.candidates.length ?? 0) > 0;
    if (!isDue || this.considered.has(incident.id) || model.state().model === null) return;
    this.considered.add(incident.id);
    try {
      const isWanted = (await this.isAuto()) && (await store.modelCalls.list(incident.id, 1)).length === 0;
      if (isWanted) this.ask(incident.id);
      else if (!this.auto) this.considered.delete(incident.id);
    } catch (error) {
      log(`incident ${incident.id} is not asked about: ${error instanceof Error ? error.message : error}`);
    }
  }
  /** false: nothing was on its way. */
  cancel(incidentId: string): boolean {
    const running = this.jobs.get(incidentId);
    running?.abort.abort();
    return running !== undefined;
  }
  /** Resolves when no question of the incident is on its way. */
  async settled(incidentId: string): Promise<void> {
    await this.jobs.get(incidentId)?.done;
  }
  async state(incidentId: string): Promise<ExplainState> {
    const incident = this.parts.book.get(incidentId);
    const { state, model, error } = this.parts.model.state();
    const [last] = await this.parts.store.modelCalls.list(incidentId, 1);
    return {
      incidentId,
      narrative: incident.rca?.narrative ?? 'The causes are not ranked yet.',
      model: nameOf(model),
      modelState: state,
      modelError: error,
      auto: await this.isAuto(),
      job: this.jobs.get(incidentId)?.job ?? null,
      last: last ?? null,
      outdated: last !== undefined && last.rankingHash !== rankingHash(incident),
    };
  }
  calls(incidentId: string, limit: number): Promise<readonly Explanation[]> {
    this.parts.book.get(incidentId);
    return this.parts.store.modelCalls.list(incidentId, limit);
  }
  async stop(): Promise<void> {
    this.stopping = true;
    for (const { abort } of this.jobs.values()) abort.abort();
    await this.turn;
  }

  private tell(incidentId: string, job: ExplainJob | null): void {
    for (const listener of this.listeners) listener(incidentId, job);
  }
  private move(incidentId: string, change: Partial<ExplainJob>): void {
    const running = this.jobs.get(incidentId);
    if (running === undefined) return;
    running.job = { ...running.job, ...change };
    this.tell(incidentId, running.job);
  }
  /** Never rejects. */
  private async run(incident: Incident, abort: AbortController, options: ExplainOptions): Promise<void> {
    const startedMs = performance.now();
    const draft = emptyDraft(incident, this.parts.nowMs());
    const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const deadline = setTimeout(() => abort.abort(new FaultlineError('model_deadline', 'deadline')), deadlineMs);
    try {
      if (abort.signal.aborted) throw new FaultlineError('model_cancelled', 'The question was cancelled.');
      await this.answer(incident, draft, abort.signal, deadlineMs, options.again ?? false);
    } catch (error) {
      const { outcome, message } = failureOf(error, abort.signal, deadlineMs);
      Object.assign(draft, { outcome, message });
    } finally {
      clearTimeout(deadline);
    }
    draft.totalMs = performance.now() - startedMs;
    await this.parts.store.modelCalls
      .save(draft)
      .catch((error: unknown) => this.parts.log(`cannot record a call of the model: ${String(error)}`));
    this.jobs.delete(incident.id);
    this.tell(incident.id, null);
  }

  private async answer(incident: Incident, draft: Draft, signal: AbortSignal, deadlineMs: number, again: boolean): Promise<void> {
    const { model, store } = this.parts;
    const startedMs = performance.now();
    const { state, model: file, error } = model.state();
    draft.model = nameOf(file);
    if (file === null) return fail(draft, 'no_model', error || 'No local model is chosen.');
    this.move(incident.id, { stage: state === 'ready' || state === 'busy' ? 'counting' : 'loading' });
    const countTokens = (text: string): Promise<number> => orAborted(model.countTokens(text), signal);
    const question = await prepareQuestion(incident, { countTokens }, file.contextTokens);
    if (question === null) return fail(draft, 'nothing_to_ask', 'The ranking has no candidate with evidence, so there is nothing to ask.');
    if (question === 'too_small')
      return fail(draft, 'failed', `The question does not fit the model's ${file.contextTokens} tokens of context.`);
    Object.assign(draft, questionFacts(question), { cacheKey: cacheKeyOf(file, question, incident, await this.environment()) });
    const known = again ? null : await store.modelCalls.answered(draft.cacheKey);
    if (known !== null) {
      draft.cached = true;
      draft.answer = known.answer;
    } else {
      const answer = await orAborted(
        model.ask(
          {
            prompt: question.prompt,
            grammar: question.grammar,
            maxTokens: question.maxTokens,
            deadlineMs: Math.max(1, deadlineMs - (performance.now() - startedMs)),
          },
          { signal, onProgress: (progress) => this.move(incident.id, progress) },
        ),
        signal,
      );
      const { promptTokens, answerTokens, loadMs, readMs, writeMs } = answer;
      Object.assign(draft, {
        answer: answer.text.slice(0, MAX_ANSWER_TEXT),
        promptTokens,
        answerTokens,
        loadMs,
        readMs,
        writeMs,
        model: nameOf(answer.model),
      });
    }
    this.move(incident.id, { stage: 'checking' });
    const checked = checkAnswer(draft.answer, question, incident);
    if ('unreadable' in checked) return fail(draft, 'garbage', `The answer is not in the form asked for (${checked.unreadable}).`);
    Object.assign(draft, checked);
  }
  private async environment(): Promise<string> {
    const known = await this.parts.store.getState(ENVIRONMENT);
    if (known !== null) return known;
    const made = JSON.stringify(randomUUID());
    await this.parts.store.setState(ENVIRONMENT, made);
    return made;
  }
}
/** Characters of an answer that are kept; the grammar allows far fewer. */
const MAX_ANSWER_TEXT = 8_192;

const nameOf = (file: ModelFile | null): Explanation['model'] => file && { name: file.name, sha256: file.sha256, demo: file.demo };
function fail(draft: Draft, outcome: ExplainOutcome, message: string): void {
  Object.assign(draft, { outcome, message });
}
function emptyDraft(incident: Incident, askedMs: number): Draft {
  return {
    id: randomUUID(),
    incidentId: incident.id,
    askedMs,
    outcome: 'answered',
    message: '',
    cached: false,
    model: null,
    promptVersion: PROMPT_VERSION,
    rankingHash: rankingHash(incident),
    choice: null,
    sentences: [],
    dropped: [],
    promptTokens: 0,
    answerTokens: 0,
    cardTokens: 0,
    leftOut: 0,
    loadMs: 0,
    readMs: 0,
    writeMs: 0,
    totalMs: 0,
    prompt: '',
    answer: '',
    aliases: {},
    cacheKey: '',
  };
}
const questionFacts = ({ prompt, cardTokens, part, card }: Question): Partial<Draft> => ({
  prompt,
  cardTokens,
  leftOut: part.leftOut,
  aliases: {
    ...card.book.entries(),
    ...Object.fromEntries(
      card.candidates.map(({ alias, candidate }) => [alias, `${candidate.rank}. ${candidate.service}, ${candidate.kind}`]),
    ),
  },
});
const sha256 = (...parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');
/** The incident is part of the key: aliases hide which services a card is about, and two incidents may look the same. */
const cacheKeyOf = (file: ModelFile, { prompt, grammar }: Question, incident: Incident, environment: string): string =>
  sha256(file.sha256, PROMPT_VERSION, grammar, prompt, incident.id, environment);
/** What a ranking says and where, without its figures: while it is the same, "E3" means the same row. */
const rankingHash = (incident: Incident): string =>
  sha256(
    ...(incident.rca?.candidates ?? []).flatMap(({ service, kind, evidence }) => [
      service,
      kind,
      ...evidence.flatMap(({ id, messageKey, params }) => [
        id,
        messageKey,
        ...['service', 'peer', 'place', 'instance', 'metric', 'pattern', 'value'].map((name) => String(params[name] ?? '')),
      ]),
    ]),
  ).slice(0, 16);

const OUTCOME_OF: Readonly<Partial<Record<ErrorCode, ExplainOutcome>>> = {
  model_none: 'no_model',
  model_file: 'no_model',
  model_memory: 'no_model',
  model_deadline: 'deadline',
  model_crashed: 'crashed',
  model_cancelled: 'cancelled',
};
function failureOf(error: unknown, signal: AbortSignal, deadlineMs: number): { outcome: ExplainOutcome; message: string } {
  const isLate = signal.aborted && signal.reason instanceof FaultlineError;
  const seconds = Math.round(deadlineMs / 100) / 10;
  if (isLate) return { outcome: 'deadline', message: `The model did not answer within ${seconds} s.` };
  if (signal.aborted) return { outcome: 'cancelled', message: 'The question was cancelled.' };
  const said = error instanceof Error ? error.message : String(error);
  return { outcome: (error instanceof FaultlineError && OUTCOME_OF[error.code]) || 'failed', message: said };
}

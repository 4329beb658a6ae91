import type { ChatWrapper, Llama, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { FaultlineError } from '#contracts/errors.ts';
import type { AbortLike, ModelAnswer, ModelFile, ModelProgress, ModelRequest } from '#contracts/llm.ts';
import { checkModelFile } from './inspect-file.ts';

export interface OpenModelOptions {
  readonly path: string;
  readonly file: ModelFile;
  /** Modification time the file had when it was checked. */
  readonly modifiedMs: number;
  /** Default: cores that are good at mathematics, less one (facts/llm.md: a busy box collapses when all are taken). */
  readonly threads?: number;
  readonly log?: (line: string) => void;
}
export interface AskOptions {
  readonly signal?: AbortLike;
  readonly onProgress?: (progress: ModelProgress) => void;
}
/** One loaded model with its one sequence. Calls one after the other: the caller queues. */
export interface OpenModel {
  readonly file: ModelFile;
  readonly loadMs: number;
  countTokens(text: string): number;
  /** @throws FaultlineError model_overflow, model_cancelled, model_failed. Deadlines are the caller's. */
  ask(request: Pick<ModelRequest, 'prompt' | 'grammar' | 'maxTokens'>, options?: AskOptions): Promise<ModelAnswer>;
  close(): Promise<void>;
}
/**
 * Prompt tokens of one evaluation: llama.cpp hears no abort inside one. 64 costs 7 % of throughput against a single batch,
 * 16 costs 43 % (facts/llm.md §2).
 */
const CHUNK_TOKENS = 64;
const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The file must still be the one that was checked: it is referenced where it lies. */
function checkUnchanged({ path, file, modifiedMs }: OpenModelOptions): void {
  const now = checkModelFile(path);
  if (now.bytes === file.bytes && now.modifiedMs === modifiedMs) return;
  throw new FaultlineError('model_file', `${path} has changed since it was added: add it again.`);
}

/** Loads a checked model. Native code: only in a process that may die (main/llm), in tests and benches. @throws FaultlineError */
export async function openModel(options: OpenModelOptions): Promise<OpenModel> {
  const startedMs = performance.now();
  checkUnchanged(options);
  const llamaCpp = await import('node-llama-cpp');
  let llama: Llama | null = null;
  try {
    llama = await llamaCpp.getLlama({
      // Metal is part of the one binary of Apple's machines; elsewhere only the processor's is installed (decision 0005).
      gpu: process.platform === 'darwin' && process.arch === 'arm64' ? 'auto' : false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: llamaCpp.LlamaLogLevel.error,
      logger: (_level, message) => options.log?.(`llama.cpp: ${message.trim()}`),
    });
    const model = await llama.loadModel({ modelPath: options.path });
    const threads = options.threads ?? Math.max(1, llama.cpuMathCores - 1);
    const context = await model.createContext({ contextSize: options.file.contextTokens, sequences: 1, threads });
    const parts: Parts = {
      llamaCpp,
      llama,
      model,
      sequence: context.getSequence(),
      // Resolved once: each resolution runs the model's template several times, 0.6-1.0 CPU-seconds (facts/llm.md §2).
      wrapper: llamaCpp.resolveChatWrapper(model, { warningLogs: false }),
      file: options.file,
      loadMs: performance.now() - startedMs,
    };
    return new LoadedModel(parts);
  } catch (error) {
    await llama?.dispose().catch(() => undefined);
    throw new FaultlineError('model_failed', `The model ${options.file.name} cannot be loaded: ${said(error)}`, { cause: error });
  }
}

interface Parts {
  readonly llamaCpp: typeof import('node-llama-cpp');
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly sequence: LlamaContextSequence;
  readonly wrapper: ChatWrapper;
  readonly file: ModelFile;
  readonly loadMs: number;
}
class LoadedModel implements OpenModel {
  private readonly parts: Parts;
  constructor(parts: Parts) {
    this.parts = parts;
  }
  get file(): ModelFile {
    return this.parts.file;
  }
  get loadMs(): number {
    return this.parts.loadMs;
  }
  countTokens(text: string): number {
    return this.parts.model.tokenize(text).length;
  }
  async ask(
    { prompt, grammar, maxTokens }: Pick<ModelRequest, 'prompt' | 'grammar' | 'maxTokens'>,
    options: AskOptions = {},
  ): Promise<ModelAnswer> {
    const { sequence, file, loadMs } = this.parts;
    const tokens = this.promptTokens(prompt);
    // llama.cpp would silently forget the first tokens.
    if (tokens.length + maxTokens > file.contextTokens) {
      throw new FaultlineError(
        'model_overflow',
        `The question has ${tokens.length} tokens and the answer may have ${maxTokens}; ${file.name} holds ${file.contextTokens}.`,
      );
    }
    const state = await this.grammarState(grammar);
    const startedMs = performance.now();
    await sequence.clearHistory();
    await this.read(tokens.slice(0, -1), tokens.length, options);
    const readMs = performance.now() - startedMs;
    const answer = await this.write(tokens.slice(-1), state, maxTokens, options);
    return {
      text: this.parts.model.detokenize(answer),
      model: file,
      promptTokens: tokens.length,
      answerTokens: answer.length,
      loadMs,
      readMs,
      writeMs: performance.now() - startedMs - readMs,
    };
  }
  async close(): Promise<void> {
    await this.parts.llama.dispose();
  }

  /** The prompt as one user turn in the model's own template; markers inside of it are text, not markers. */
  private promptTokens(prompt: string): Token[] {
    const { wrapper, model } = this.parts;
    const { contextText } = wrapper.generateContextState({
      chatHistory: [
        { type: 'user', text: prompt },
        { type: 'model', response: [] },
      ],
    });
    return contextText.tokenize(model.tokenizer);
  }
  private async grammarState(grammar: string) {
    const { llamaCpp, llama, model } = this.parts;
    try {
      return new llamaCpp.LlamaGrammarEvaluationState({ model, grammar: await llama.createGrammar({ grammar }) });
    } catch (error) {
      throw new FaultlineError('model_failed', `The grammar of the question cannot be read: ${said(error)}`, { cause: error });
    }
  }
  private async read(tokens: readonly Token[], total: number, { signal, onProgress }: AskOptions): Promise<void> {
    for (let at = 0; at < tokens.length; at += CHUNK_TOKENS) {
      refuseCancelled(signal);
      onProgress?.({ stage: 'reading', doneTokens: at, totalTokens: total });
      await this.parts.sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + CHUNK_TOKENS));
    }
    refuseCancelled(signal);
    onProgress?.({ stage: 'reading', doneTokens: total, totalTokens: total });
  }
  private async write(
    last: Token[],
    grammarEvaluationState: Awaited<ReturnType<LoadedModel['grammarState']>>,
    maxTokens: number,
    { signal, onProgress }: AskOptions,
  ): Promise<Token[]> {
    const answer: Token[] = [];
    // The likeliest token each time: the same question has the same answer.
    for await (const token of this.parts.sequence.evaluate(last, { temperature: 0, grammarEvaluationState })) {
      refuseCancelled(signal);
      answer.push(token);
      onProgress?.({ stage: 'writing', doneTokens: answer.length, totalTokens: maxTokens });
      if (answer.length >= maxTokens) break;
    }
    return answer;
  }
}
function refuseCancelled(signal: AbortLike | undefined): void {
  if (signal?.aborted) throw new FaultlineError('model_cancelled', 'The question was cancelled.');
}

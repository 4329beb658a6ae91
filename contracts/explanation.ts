import { z } from 'zod';

/**
 * What the local model said about an incident, after every sentence was checked against the evidence. Names are the
 * real ones; `prompt` and `answer` are as they went to and came from the model, in aliases (S1, E3).
 */
export const EXPLAIN_OUTCOMES = [
  /** The model answered in the form asked for; its sentences may still all have been dropped. */
  'answered',
  /** No model is set, or it cannot be loaded. */
  'no_model',
  /** The ranker has no candidate, so there is nothing to ask. */
  'nothing_to_ask',
  'cancelled',
  'deadline',
  /** The llm process died. */
  'crashed',
  /** The answer is not in the form asked for. */
  'garbage',
  'failed',
] as const;
export type ExplainOutcome = (typeof EXPLAIN_OUTCOMES)[number];

const reason = z.object({ reason: z.string(), part: z.string() });
export const explanationSchema = z.object({
  id: z.string(),
  incidentId: z.string(),
  askedMs: z.number(),
  outcome: z.enum(EXPLAIN_OUTCOMES),
  /** Why there is no answer, a sentence; '' when there is one. */
  message: z.string(),
  /** The same question was answered before by the same model; checked again, not asked again. */
  cached: z.boolean(),
  model: z.object({ name: z.string(), sha256: z.string(), demo: z.boolean() }).nullable(),
  promptVersion: z.string(),
  /** Fingerprint of the ranking asked about: which rows "E1" ... name, without their figures. */
  rankingHash: z.string(),
  /** What the model chose, and whether the ranker says the same. Shown beside the ranking, never applied to it. */
  choice: z
    .object({
      /** Rank of the candidate; null: "none". */
      rank: z.number().nullable(),
      service: z.string().nullable(),
      kind: z.string().nullable(),
      confidence: z.string(),
      evidence: z.array(z.string()),
      agrees: z.boolean(),
    })
    .nullable(),
  /** Sentences every claim of which holds. */
  sentences: z.array(z.object({ text: z.string(), evidence: z.array(z.string()) })),
  dropped: z.array(z.object({ text: z.string(), reasons: z.array(reason) })),
  promptTokens: z.number(),
  answerTokens: z.number(),
  /** Tokens of the card alone, by the model's own tokenizer. */
  cardTokens: z.number(),
  /** Evidence rows and candidates left out of the card to save tokens. */
  leftOut: z.number(),
  loadMs: z.number(),
  readMs: z.number(),
  writeMs: z.number(),
  /** From the moment of asking to the checked result. */
  totalMs: z.number(),
  prompt: z.string(),
  answer: z.string(),
  /** Alias -> name. */
  aliases: z.record(z.string(), z.string()),
});
export type Explanation = z.infer<typeof explanationSchema>;

export const explainJobSchema = z.object({
  incidentId: z.string(),
  askedMs: z.number(),
  stage: z.enum(['waiting', 'counting', 'loading', 'reading', 'writing', 'checking']),
  doneTokens: z.number(),
  totalTokens: z.number(),
});
export type ExplainJob = z.infer<typeof explainJobSchema>;

/** The explanation block of the incident page. */
export const explainStateSchema = z.object({
  incidentId: z.string(),
  /** Always there: made from the evidence rows, without any model. */
  narrative: z.string(),
  model: z.object({ name: z.string(), sha256: z.string(), demo: z.boolean() }).nullable(),
  modelState: z.string(),
  modelError: z.string(),
  /** Each incident is asked about once by itself, a minute after it opened. */
  auto: z.boolean(),
  job: explainJobSchema.nullable(),
  last: explanationSchema.nullable(),
  /** The ranking has other candidates or rows than when `last` was asked; its figures are those of then in any case. */
  outdated: z.boolean(),
});
export type ExplainState = z.infer<typeof explainStateSchema>;

/** The newest calls are kept, all incidents together. */
export const MODEL_CALL_LIMITS = { rows: 1_000 } as const;
/** One call as it is kept: the explanation and what it was asked with. Table llm_calls of the catalog. */
export interface ModelCall extends Explanation {
  /** sha256 of model, prompt version, grammar, prompt, incident and data folder. */
  readonly cacheKey: string;
}

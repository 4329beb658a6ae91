import { z } from 'zod';

/**
 * The local model on the console's API:
 * GET    /console/models                  -> models
 * POST   /console/models {path} | {demo}  -> models; starts the job that checks and adds a file (or makes the demo model)
 * POST   /console/models/current {sha256} -> models; null: the template narrator
 * POST   /console/models/test             -> models; starts a test run of the current model
 * DELETE /console/models/job              -> models; cancels the running job
 * DELETE /console/models/:sha256          -> models; forgets it. Its file stays, but a demo model we made ourselves goes.
 */
export const modelFileSchema = z.object({
  name: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  /** Random weights made by our own script: proves the path, knows nothing. */
  demo: z.boolean(),
  contextTokens: z.number(),
  architecture: z.string(),
});
export const shelfModelSchema = z.object({
  file: modelFileSchema,
  /** Used where it lies. */
  path: z.string(),
  modifiedMs: z.number(),
  /** Memory it needs while it answers, an estimate. */
  neededBytes: z.number(),
  addedMs: z.number(),
});
export type ShelfModel = z.infer<typeof shelfModelSchema>;
export const modelJobSchema = z.object({
  kind: z.enum(['add', 'test']),
  /** File name, or name of the model. */
  about: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  stage: z.enum(['checking', 'loading', 'reading', 'writing', '']),
  done: z.number(),
  /** 0: not known yet. Bytes while checking, else tokens. */
  total: z.number(),
  error: z.object({ code: z.string(), message: z.string(), todo: z.string() }).nullable(),
  /** Of a test run that is done. */
  result: z
    .object({
      answer: z.string(),
      /** Whether it chose the one right answer of the test question. */
      right: z.boolean(),
      promptTokens: z.number(),
      answerTokens: z.number(),
      loadMs: z.number(),
      readMs: z.number(),
      writeMs: z.number(),
      rssBytes: z.number(),
    })
    .nullable(),
});
export type ModelJob = z.infer<typeof modelJobSchema>;
export const modelsSchema = z.object({
  models: z.array(shelfModelSchema),
  /** SHA-256 of the model that is asked; null: the template narrator tells every story. */
  current: z.string().nullable(),
  state: z.object({
    state: z.enum(['none', 'idle', 'starting', 'ready', 'busy', 'failed']),
    error: z.string(),
    rssBytes: z.number(),
  }),
  /** The last job, running or not, since the engine started. */
  job: modelJobSchema.nullable(),
  availableBytes: z.number(),
  /** The process is ended above this. */
  maxBytes: z.number(),
  idleSeconds: z.number(),
  counts: z.record(z.string(), z.number()),
});
export type Models = z.infer<typeof modelsSchema>;

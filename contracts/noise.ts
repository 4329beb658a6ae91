import { z } from 'zod';

/**
 * The noise report: which alerts of a window were more noise than news, what to change, and the proof of it on the same history.
 * GET /console/noise?start&end -> noiseAnswer. Times: Unix milliseconds.
 */
export const NOISE_KINDS = ['flapping', 'never_acted', 'duplicate', 'together'] as const;
export type NoiseKind = (typeof NOISE_KINDS)[number];
export const NOISE_LIMITS = { firings: 20_000, findings: 100, groups: 200, shownFirings: 50 } as const;
const labels = z.record(z.string(), z.string());

const countedSchema = z.object({
  /** Times somebody is rung, in the window. */
  pages: z.number(),
  caught: z.number(),
  incidents: z.number(),
});
export const proposalSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('longer_for'), seconds: z.number(), from: z.number() }),
  z.object({ kind: z.literal('keep_firing_for'), seconds: z.number() }),
  z.object({ kind: z.literal('threshold'), value: z.number(), from: z.number(), comparison: z.string() }),
  z.object({ kind: z.literal('delete') }),
  /** `source` keeps `target` back where these labels are equal. */
  z.object({ kind: z.literal('inhibit'), source: z.string(), target: z.string(), equal: z.array(z.string()) }),
  z.object({ kind: z.literal('group'), by: z.array(z.string()) }),
]);
export type NoiseProposal = z.infer<typeof proposalSchema>;
const changeFields = {
  proposal: proposalSchema,
  /**
   * The same time as it was, and with the change. Of a rule in force that flaps: its own pages, by a replay; else all pages, by sending what fired once more.
   */
  proof: z.object({ before: countedSchema, after: countedSchema }),
};
export const noiseFindingSchema = z.object({
  kind: z.enum(NOISE_KINDS),
  /** Names of alerts: of a duplicate the one that says less is the second. */
  alerts: z.array(z.string()),
  firings: z.number(),
  /** Of an alert with these labels, the one that shows it best. */
  example: labels,
  /** flapping: share of firings that came back soon; duplicate, together: share of firings with the other. */
  share: z.number(),
  /** flapping: middle pause; else middle length. */
  middleMs: z.number(),
  ...changeFields,
  /** Changes that would do as well, less so. */
  others: z.array(z.object(changeFields)),
});
export type NoiseFinding = z.infer<typeof noiseFindingSchema>;
export const firingSchema = z.object({ labels, fromMs: z.number(), toMs: z.number().nullable() });
export const alertGroupSchema = z.object({
  fromMs: z.number(),
  toMs: z.number(),
  /** What joined them: each alert stays what it is. */
  because: z.array(z.enum(['time', 'service', 'calls', 'text'])),
  services: z.array(z.string()),
  firings: z.array(firingSchema),
  /** All; `firings` are the first ones. */
  count: z.number(),
});
export type CorrelatedAlerts = z.infer<typeof alertGroupSchema>;
export const noiseAnswerSchema = z.object({
  startMs: z.number(),
  endMs: z.number(),
  /** Alerts that fired, firings, times somebody was rung by the routes in force. */
  alerts: z.number(),
  firings: z.number(),
  pages: z.number(),
  incidents: z.number(),
  findings: z.array(noiseFindingSchema),
  groups: z.array(alertGroupSchema),
  /** More firings than are looked at: only the first ones were. */
  isCut: z.boolean(),
});
export type NoiseAnswer = z.infer<typeof noiseAnswerSchema>;

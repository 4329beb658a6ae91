import { z } from 'zod';

export const CONFIDENCES = ['high', 'medium', 'low'] as const;
/** What the model says when no candidate explains the incident. */
export const NO_CAUSE = 'none';

const answerSchema = z.strictObject({
  cause: z.string().regex(/^(?:C\d{1,2}|none)$/),
  evidence: z
    .array(z.string().regex(/^E\d{1,4}$/))
    .min(1)
    .max(4),
  confidence: z.enum(CONFIDENCES),
  why: z.array(z.string().min(1).max(400)).min(1).max(3),
});
export type ModelChoice = z.infer<typeof answerSchema>;

/**
 * Reads the model's answer. The grammar should make every answer fit; a server or a model that left it is not trusted
 * for that. Names outside of the card count as unreadable.
 * @returns the choice, or a sentence on what is wrong
 */
export function parseAnswer(
  text: string,
  known: { readonly causes: readonly string[]; readonly rows: readonly string[] },
): ModelChoice | { readonly unreadable: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { unreadable: `not JSON: ${(error as Error).message}` };
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { unreadable: `${issue?.path.join('.') || 'answer'}: ${issue?.message ?? 'not understood'}` };
  }
  const { cause, evidence } = parsed.data;
  if (cause !== NO_CAUSE && !known.causes.includes(cause)) return { unreadable: `cause: there is no ${cause}` };
  const unknown = evidence.find((id) => !known.rows.includes(id));
  return unknown === undefined ? parsed.data : { unreadable: `evidence: there is no ${unknown}` };
}

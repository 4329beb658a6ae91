import { z } from 'zod';

/** Query strings: numbers come as text; an empty text is an absent one. */
export const optionalText = z
  .string()
  .max(2_000)
  .optional()
  .transform((text) => (text === '' ? undefined : text));
export const optionalNumber = z.union([z.literal('').transform(() => undefined), z.coerce.number().finite()]).optional();
/** Unix milliseconds. */
const unixMs = z.coerce.number().min(0).max(9_000_000_000_000);

/** [start, end), Unix milliseconds; start before end. */
export const timeRange = z.object({ start: unixMs, end: unixMs });
export const inOrder = <T extends { start: number; end: number }>(range: T): boolean => range.start < range.end;
export const IN_ORDER = { error: 'start must be before end', path: ['start'] };

const TARGET_POINTS = 120;
const STEPS_MS = [1_000, 5_000, 10_000, 15_000, 30_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 86_400_000];
const MAX_POINTS = 11_000;

/** The step asked for, or a round one that gives about 120 points; never more than 11,000 points (as Prometheus). */
export function stepFor(range: { readonly start: number; readonly end: number; readonly step?: number | undefined }): number {
  const wanted =
    range.step && range.step > 0 ? range.step : (STEPS_MS.find((ms) => ms >= (range.end - range.start) / TARGET_POINTS) ?? 86_400_000);
  return Math.max(1, Math.ceil(Math.max(wanted, (range.end - range.start) / MAX_POINTS)));
}

/** How one try to deliver ended. */
export interface Attempt {
  readonly ok: boolean;
  /** HTTP status or SMTP reply code; null: there was none. */
  readonly status: number | null;
  /** '' when it went well. */
  readonly error: string;
  /** Another try may go better. */
  readonly retry: boolean;
  /** The receiver asks for so much patience. */
  readonly retryAfterMs: number | null;
}
export const DELIVERED: Attempt = { ok: true, status: null, error: '', retry: false, retryAfterMs: null };
export const failed = (error: string, retry: boolean, status: number | null = null): Attempt => ({
  ...{ ok: false, status, error: error.slice(0, MAX_ERROR), retry },
  retryAfterMs: null,
});
const MAX_ERROR = 500;
/** Alertmanager's patience between tries: 0.5 s, half as much again each time, up to a minute; give or take half. */
const [FIRST_MS, FACTOR, MOST_MS] = [500, 1.5, 60_000];
/** @param tries so far @param random in [0, 1) */
export function pauseMs(tries: number, random: number): number {
  return Math.min(FIRST_MS * FACTOR ** (tries - 1), MOST_MS) * (0.5 + random);
}

import type { Labels } from '#query/promql/labels.ts';

/** An alert as a rule or `POST /api/v2/alerts` gives it; what is null was not said. Times in Unix milliseconds. */
export interface PostedAlert {
  readonly labels: Labels;
  readonly annotations: ReadonlyMap<string, string>;
  readonly startsAtMs: number | null;
  /** Null: `resolve_timeout` after its last word. */
  readonly endsAtMs: number | null;
  readonly generatorUrl: string;
}
/** An alert as it is kept: one per set of labels, merged from all that was posted. */
export interface Alert extends PostedAlert {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  /** The end is a guess: nobody said one. */
  readonly isTimeout: boolean;
}
export type AlertStatus = 'firing' | 'resolved';
export const isResolved = (alert: Alert, atMs: number): boolean => alert.endsAtMs <= atMs;

/** Fills in what was not said, as Alertmanager's `POST /api/v2/alerts` does. */
export function receivedAlert(posted: PostedAlert, atMs: number, resolveTimeoutMs: number): Alert {
  return {
    ...posted,
    startsAtMs: posted.startsAtMs ?? posted.endsAtMs ?? atMs,
    endsAtMs: posted.endsAtMs ?? atMs + resolveTimeoutMs,
    updatedAtMs: atMs,
    isTimeout: posted.endsAtMs === null,
  };
}
/** What is known after a newer word about an alert: both in one where their times overlap, else the newer (provider/mem and types.Alert.Merge). */
export function mergeAlert(old: Alert, newer: Alert): Alert {
  const overlaps =
    (newer.endsAtMs > old.startsAtMs && newer.endsAtMs < old.endsAtMs) ||
    (newer.startsAtMs > old.startsAtMs && newer.startsAtMs < old.endsAtMs);
  if (!overlaps) return newer;
  const nowMs = newer.updatedAtMs;
  const isOldEnd = isResolved(newer, nowMs) ? isResolved(old, nowMs) : !old.isTimeout;
  return {
    ...newer,
    startsAtMs: Math.min(old.startsAtMs, newer.startsAtMs),
    endsAtMs: isOldEnd ? Math.max(old.endsAtMs, newer.endsAtMs) : newer.endsAtMs,
  };
}
/** The name of a set of labels in API v2 and webhooks: FNV-1a of 64 bits over UTF-8 (prometheus/common, model.LabelSet.Fingerprint). */
export function fingerprintOf({ names, values }: Labels): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  const add = (byte: number): void => {
    low = (low ^ byte) >>> 0;
    // Times 0x100000001b3, in halves: 32 bits times 435 fit a double.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  };
  for (const [i, name] of names.entries()) {
    addUtf8(name, add);
    add(0xff);
    addUtf8(values[i] as string, add);
    add(0xff);
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
function addUtf8(text: string, add: (byte: number) => void): void {
  for (const c of text) {
    const code = c.codePointAt(0) as number;
    if (code < 0x80) add(code);
    else {
      if (code < 0x800) add(0xc0 | (code >> 6));
      else {
        if (code < 0x10000) add(0xe0 | (code >> 12));
        else {
          add(0xf0 | (code >> 18));
          add(0x80 | ((code >> 12) & 0x3f));
        }
        add(0x80 | ((code >> 6) & 0x3f));
      }
      add(0x80 | (code & 0x3f));
    }
  }
}

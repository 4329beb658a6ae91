import type { Anomaly, Incident, TimelineEntry } from '#contracts/judgement.ts';

/** An incident as the correlator works on it. */
export type Draft = { -readonly [K in keyof Incident]: Incident[K] } & {
  lastSymptomMs: number;
  worst: number;
  seen: Set<string>;
  /** How long the leading service has not been heard of. */
  silentMs: number;
  /** Changes told so far. */
  changes: number;
  /** Anomalies and log lines told so far, and those left out. */
  lines: number;
  untold: number;
  entries: TimelineEntry[];
};

/** What makes two reports of an anomaly the same. */
export const keyOf = (a: Anomaly): string =>
  `${a.kind}|${a.subject.service}|${a.subject.peer ?? ''}|${a.subject.instance ?? ''}|${a.subject.signal}|${a.subject.labels}`;

/** The incident as others may see it. */
export function freeze(draft: Draft): Incident {
  const {
    lastSymptomMs: _last,
    worst: _worst,
    seen: _seen,
    changes: _changes,
    lines: _lines,
    untold: _untold,
    silentMs: _silent,
    entries,
    ...incident
  } = draft;
  return { ...incident, timeline: [...entries] };
}

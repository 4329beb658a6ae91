import type { ForwarderStatus } from './forwarding.ts';
import type { ImportCall, ImportNews } from './import-process.ts';
import type { JournalPosition } from './journal.ts';
import type { SourceBytes } from './limited-source.ts';
import type { ModelCall, ModelNews } from './llm-process.ts';
import type { Settings } from './settings.ts';
import type { SourceLimits } from './source-limits.ts';
import type { TailedFileStatus } from './tailing.ts';

/** Kinds of sources; the names of all but imports, scrapes and tails are their kinds. */
export const SOURCE_KINDS = [
  'otlp-http',
  'otlp-grpc',
  'remote-write',
  'zipkin',
  'loki',
  'journald',
  'syslog',
  'fluent',
  'statsd',
  'import',
  'host',
  'scrape',
  'tail',
] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/**
 * Messages between supervisor and children. Plain JSON-able values: they cross child_process IPC, Electron's
 * utilityProcess and worker ports alike. The supervisor relays; collector and engine never talk directly.
 */
export interface ItemCounts {
  /** Items (spans, log records, points, samples) and requests or scrapes since the process started. */
  readonly items: number;
  readonly requests: number;
  readonly bytes: number;
}
export interface SourceStatus {
  /** Its kind, "import:FORMAT", "scrape:JOB:INSTANCE" or "tail:GLOB". */
  readonly source: string;
  readonly kind: SourceKind;
  readonly address: string;
  readonly state: 'listening' | 'receiving' | 'failing' | 'stopped';
  /** Last error as a sentence, '' when none. */
  readonly error: string;
  readonly lastUnixMs: number | null;
  readonly accepted: {
    readonly traces: ItemCounts;
    readonly logs: ItemCounts;
    readonly metrics: ItemCounts;
    /** Absent: none came. */
    readonly profiles?: ItemCounts;
  };
  /** Requests by reason code. */
  readonly refused: Readonly<Record<string, number>>;
  /** What the collector itself repaired or could not read, by reason code; absent: nothing. */
  readonly noted?: Readonly<Record<string, number>>;
  /** Of a scrape: what Prometheus' API tells of a target. Absent for everything else. */
  readonly target?: ScrapeTarget;
  /** Of a tail: its files, those with trouble first; absent for everything else. */
  readonly files?: readonly TailedFileStatus[];
  /** All of them, also those not listed. */
  readonly filesTotal?: number;
}
export interface ScrapeTarget {
  /** Job of the configuration. */
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Before relabeling. */
  readonly discovered: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Of the last scrape; 0 before the first. */
  readonly durationSeconds: number;
}
/** Whom a fair share is given to: see collectors/pipeline/senders.ts. */
export interface SenderStatus {
  readonly address: string;
  /** Service its bodies speak of, else the protocol. */
  readonly name: string;
  readonly requests: number;
  readonly bytes: number;
  readonly refused: number;
  /** Memory held for it now. */
  readonly heldBytes: number;
  readonly lastUnixMs: number;
}
export interface CollectorStatus {
  readonly pid: number;
  readonly startedUnixMs: number;
  readonly sources: readonly SourceStatus[];
  /** The largest hundred since the process started. */
  readonly senders: readonly SenderStatus[];
  /** Bytes of today of what has a limit, the largest hundred; absent: nothing has one. */
  readonly limited?: readonly SourceBytes[];
  readonly journal: {
    readonly committed: JournalPosition;
    readonly released: JournalPosition;
    readonly bytes: number;
    /** Of those, stored already and kept for forwarding only. */
    readonly keptBytes: number;
    readonly ackP50Ms: number;
    readonly ackP99Ms: number;
  };
  readonly diskFreeBytes: number;
  readonly rssBytes: number;
  readonly cpuSeconds: number;
  readonly accepting: boolean;
  /** Why not accepting, a reason code; '' otherwise. */
  readonly refusing: string;
}
/** Why a child ended, in its own last words. */
export interface PreviousEnd {
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
  /** How often it ended with this code since the supervisor started. */
  readonly times: number;
}
export interface SourceLimitsNews {
  readonly type: 'source-limits';
  readonly limits: SourceLimits;
  /** Sources; ALL_SOURCES: no source has room. */
  readonly fullOfSeries: readonly string[];
}
/** Instead of a source: the dictionary is at limits.maxSeries. */
export const ALL_SOURCES = '*';
/** What limits of series leave out of a record of remote write, once it is decoded: its sender is told how much was written. */
export interface LeftOutNews {
  readonly type: 'left-out';
  /** After the record. */
  readonly position: JournalPosition;
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
}
export type ToChild =
  | {
      readonly type: 'start';
      readonly settings: Settings;
      readonly releasedPosition?: JournalPosition;
      /** Only after a restart, when the one before said why it ended. */
      readonly previousEnd?: PreviousEnd;
      /** to collector: see 'held'. */
      readonly heldPosition?: JournalPosition;
    }
  | { readonly type: 'stop'; readonly deadlineMs: number }
  /** to engine: the journal has grown up to here. */
  | { readonly type: 'advanced'; readonly committed: JournalPosition }
  /** to engine: latest collector status, once a second. */
  | { readonly type: 'collector-status'; readonly status: CollectorStatus }
  /** to collector: everything before this position is stored; segments may be recycled. */
  | { readonly type: 'released'; readonly position: JournalPosition }
  /** to collector: forwarding still needs everything from this position on; MAX_SAFE_INTEGER: nothing. */
  | { readonly type: 'held'; readonly position: JournalPosition }
  /** to engine: what the forwarder says, once a second; null: it does not run. */
  | { readonly type: 'forwarder-status'; readonly status: ForwarderStatus | null; readonly state: ProcessState }
  /** to forwarder: DATA/forward/destinations.json has changed. */
  | { readonly type: 'forwarding-changed' }
  /** to collector: limits by source in force, and the sources that have no room for series today. */
  | SourceLimitsNews
  | LeftOutNews
  /** to collector: state of the engine, for /healthz. */
  | { readonly type: 'engine-state'; readonly state: ProcessState }
  /** to llm. */
  | { readonly type: 'llm-call'; readonly call: ModelCall }
  /** to engine: what the llm process says, and that it ended without being told to. */
  | { readonly type: 'llm-news'; readonly news: ModelNews }
  | { readonly type: 'llm-ended'; readonly reason: string; readonly lastCall: number }
  /** to importer. */
  | { readonly type: 'import-call'; readonly call: ImportCall }
  /** to engine: what the importer says, and that it ended without being told to. */
  | { readonly type: 'import-news'; readonly news: ImportNews }
  | { readonly type: 'import-ended'; readonly reason: string };
export type FromChild =
  | { readonly type: 'ready'; readonly addresses: Readonly<Record<string, string>> }
  | { readonly type: 'fatal'; readonly code: string; readonly message: string; readonly todo: string }
  | { readonly type: 'advanced'; readonly committed: JournalPosition }
  | { readonly type: 'collector-status'; readonly status: CollectorStatus }
  | { readonly type: 'released'; readonly position: JournalPosition }
  /** from engine: for the llm process, which the first call starts; llm-stop kills it. */
  | { readonly type: 'llm-call'; readonly call: ModelCall }
  | { readonly type: 'llm-stop' }
  /** from engine: for the importer, which the first file starts; import-stop kills it. */
  | { readonly type: 'import-call'; readonly call: ImportCall }
  | { readonly type: 'import-stop' }
  /** from importer. */
  | { readonly type: 'import-news'; readonly news: ImportNews }
  /** from llm. */
  | { readonly type: 'llm-news'; readonly news: ModelNews }
  /** from forwarder, see ToChild. */
  | { readonly type: 'held'; readonly position: JournalPosition }
  | { readonly type: 'forwarder-status'; readonly status: ForwarderStatus }
  /** from engine. */
  | SourceLimitsNews
  | LeftOutNews
  /** from engine: destinations were changed; `active`: there is at least one. */
  | { readonly type: 'forwarding-changed'; readonly active: boolean }
  | { readonly type: 'stopped' };
export type ProcessState = 'starting' | 'running' | 'restarting' | 'stopped' | 'failed';

/** What a child sees of its supervisor; an adapter exists per carrier (child_process, utilityProcess, test). */
export interface ParentPort {
  send(message: FromChild): void;
  onMessage(listener: (message: ToChild) => void): void;
  /** The supervisor is gone: drain and stop. */
  onClose(listener: () => void): void;
}

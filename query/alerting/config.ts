import type { Matcher } from './matcher.ts';
import type { NamedInterval } from './time-interval.ts';

/** A password, token or secret address: shown only to who asks for it by name, never by printing or JSON. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '<secret>';
  }
  toJSON(): string {
    return '<secret>';
  }
}
/** A secret written in the file, or a file to read it from when it is needed. */
export interface SecretSource {
  readonly value: Secret | null;
  readonly file: string | null;
}
export interface HttpConfig {
  readonly basicAuth: { readonly username: string; readonly usernameFile: string | null; readonly password: SecretSource } | null;
  /** The Authorization header beside basic auth: its type, and what follows. */
  readonly authorization: { readonly type: string; readonly credentials: SecretSource } | null;
  readonly proxyUrl: string | null;
  readonly followRedirects: boolean;
  readonly tls: TlsConfig | null;
  readonly headers: ReadonlyMap<string, readonly SecretSource[]>;
  /** Keys that are read and not used: oauth2. */
  readonly ignored: readonly string[];
}
export interface TlsConfig {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: Secret | null;
  readonly serverName: string | null;
  /** TLS10 to TLS13; null: Node's own. */
  readonly minVersion: string | null;
  readonly maxVersion: string | null;
  readonly insecureSkipVerify: boolean;
}
interface AnyIntegration {
  /** Its place among those of its kind in the receiver: webhook[0]. */
  readonly index: number;
  readonly sendResolved: boolean;
  /** Where its entry begins in the file. */
  readonly line: number;
}
export interface WebhookIntegration extends AnyIntegration {
  readonly kind: 'webhook';
  readonly url: SecretSource;
  readonly http: HttpConfig;
  /** Alerts in one message; 0: all. */
  readonly maxAlerts: number;
  /** 0: up to the group's next turn. */
  readonly timeoutMs: number;
}
export interface EmailIntegration extends AnyIntegration {
  readonly kind: 'email';
  readonly to: string;
  readonly from: string;
  readonly smarthost: { readonly host: string; readonly port: number };
  readonly hello: string;
  readonly authUsername: string;
  readonly authPassword: SecretSource;
  readonly authSecret: SecretSource;
  readonly authIdentity: string;
  readonly requireTls: boolean;
  readonly tls: TlsConfig | null;
  /** Templates; null: Alertmanager's own. */
  readonly html: string | null;
  readonly text: string | null;
  /** Names in canonical form: Subject. */
  readonly headers: ReadonlyMap<string, string>;
}
/** A notification of this desktop, and the wallboard's sound. Faultline's own: Alertmanager would refuse the file. */
export interface LocalIntegration extends AnyIntegration {
  readonly kind: 'desktop' | 'sound';
}
/** A line per alert to a syslog server (RFC 5424). Faultline's own. */
export interface SyslogIntegration extends AnyIntegration {
  readonly kind: 'syslog';
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
  /** 0 to 23. */
  readonly facility: number;
}
/** Of a kind Faultline reads and does not deliver: Slack, PagerDuty and so on. It is shown as not delivered. */
export interface ForeignIntegration extends AnyIntegration {
  readonly kind: 'foreign';
  /** As Alertmanager names it: slack. */
  readonly type: string;
}
export type Integration = WebhookIntegration | EmailIntegration | LocalIntegration | SyslogIntegration | ForeignIntegration;
/** webhook[0], as in Alertmanager's logs. */
export const integrationName = (each: Integration): string => `${each.kind === 'foreign' ? each.type : each.kind}[${each.index}]`;

export interface Receiver {
  readonly name: string;
  readonly integrations: readonly Integration[];
}
/** A node of the routing tree; what it inherits is filled in. Durations in milliseconds. */
export interface Route {
  readonly matchers: readonly Matcher[];
  readonly receiver: string;
  readonly groupBy: 'all' | readonly string[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly continue: boolean;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly routes: readonly Route[];
  /** As Alertmanager writes it: {}/{owner="team-A"}. */
  readonly key: string;
  /** Where it stands in the file; 0: in none. */
  readonly line: number;
}
export interface InhibitRule {
  readonly name: string;
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  /** Labels both must have the same value of; missing is ''. */
  readonly equal: readonly string[];
  readonly line: number;
}
export interface AlertmanagerConfig {
  readonly global: { readonly resolveTimeoutMs: number };
  readonly route: Route;
  readonly receivers: readonly Receiver[];
  readonly inhibitRules: readonly InhibitRule[];
  /** Of time_intervals and mute_time_intervals. */
  readonly timeIntervals: ReadonlyMap<string, NamedInterval>;
  /** Template files, as written. */
  readonly templates: readonly string[];
}
/** What is wrong with a file, in Alertmanager's words; a file with one is refused as a whole. */
export interface ConfigProblem {
  /** From 1; a column of 0: only the line is known. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** An unknown key or a wrong type; else a wrong value. */
  readonly isShape: boolean;
}
export const DEFAULT_GROUP_WAIT_MS = 30_000;
export const DEFAULT_GROUP_INTERVAL_MS = 5 * 60_000;
export const DEFAULT_REPEAT_INTERVAL_MS = 4 * 3_600_000;
export const DEFAULT_RESOLVE_TIMEOUT_MS = 5 * 60_000;

/** Without an alertmanager.yml: one route, by alertname, to this desktop. */
export const DEFAULT_CONFIG: AlertmanagerConfig = {
  global: { resolveTimeoutMs: DEFAULT_RESOLVE_TIMEOUT_MS },
  route: {
    matchers: [],
    receiver: 'desktop',
    groupBy: ['alertname'],
    groupWaitMs: DEFAULT_GROUP_WAIT_MS,
    groupIntervalMs: DEFAULT_GROUP_INTERVAL_MS,
    repeatIntervalMs: DEFAULT_REPEAT_INTERVAL_MS,
    continue: false,
    muteTimeIntervals: [],
    activeTimeIntervals: [],
    routes: [],
    key: '{}',
    line: 0,
  },
  receivers: [{ name: 'desktop', integrations: [{ kind: 'desktop', index: 0, sendResolved: true, line: 0 }] }],
  inhibitRules: [],
  timeIntervals: new Map(),
  templates: [],
};

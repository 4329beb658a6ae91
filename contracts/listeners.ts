/** Receivers with ports of their own, each off unless asked for: keys of the configuration. Without zod: the collector must start fast. */
export const LISTENERS = ['syslog', 'syslogTls', 'fluent', 'fluentTls', 'statsd'] as const;
export type ListenerKey = (typeof LISTENERS)[number];
/** Those of them that speak TLS. */
export const TLS_LISTENERS = ['syslogTls', 'fluentTls'] as const satisfies readonly ListenerKey[];
/** The flag of a key: syslogTls, --syslog-tls. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Silences, the log of notifications, and what each integration has been told of a group (contracts/alerting.ts). */
export const alertingTablesSql = (database: string): string[] => [
  `CREATE TABLE IF NOT EXISTS ${database}.main.alert_silences (silence_id VARCHAR NOT NULL, ends_ms DOUBLE NOT NULL, json VARCHAR NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS ${database}.main.alert_deliveries (delivery_id VARCHAR NOT NULL, at_ms DOUBLE NOT NULL, last_ms DOUBLE NOT NULL, receiver VARCHAR NOT NULL, group_key VARCHAR NOT NULL, outcome VARCHAR NOT NULL, json VARCHAR NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS ${database}.main.alert_sent (sent_key VARCHAR NOT NULL, expires_ms DOUBLE NOT NULL, at_ms DOUBLE NOT NULL, json VARCHAR NOT NULL)`,
];

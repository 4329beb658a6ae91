/** Postmortems: one row per revision, never changed. */
export const postmortemTableSql = (database: string): string =>
  `CREATE TABLE ${database}.main.postmortem_revisions (incident_id VARCHAR NOT NULL, revision INTEGER NOT NULL, saved_ms DOUBLE NOT NULL, editor VARCHAR NOT NULL, bytes INTEGER NOT NULL, json VARCHAR NOT NULL)`;

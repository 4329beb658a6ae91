/** Calls of the local model: one row a call, never changed. */
export const modelCallTableSql = (database: string): string =>
  `CREATE TABLE ${database}.main.llm_calls (call_id VARCHAR NOT NULL, incident_id VARCHAR NOT NULL, asked_ms DOUBLE NOT NULL, outcome VARCHAR NOT NULL, cache_key VARCHAR NOT NULL, json VARCHAR NOT NULL)`;

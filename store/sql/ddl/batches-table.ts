/** Batches of forwarding consoles that are stored; see store/write/batch-window.ts. */
export const batchesTableSql = (database: string): string =>
  `CREATE TABLE ${database}.main.batches (sender VARCHAR NOT NULL, batch VARCHAR NOT NULL, position DOUBLE NOT NULL)`;

import { CATALOG } from '../ddl/ddl.ts';

/** Without the rows that are only in memory yet. */
export const storedSeriesSql = (): string => `SELECT coalesce(max(series_id), 0)::DOUBLE AS last FROM ${CATALOG}.main.series`;

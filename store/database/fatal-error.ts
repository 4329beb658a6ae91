/**
 * DuckDB's own words for a fatal error, and for everything asked after it: the instance does nothing more, only a new process helps.
 * At the start of a message, or behind what we put before it.
 */
const FATAL = /database has been invalidated|(?:^|: )FATAL Error: /;
export const isFatal = (message: string): boolean => FATAL.test(message);

import { expect, it } from 'vitest';
import { isFatal } from './fatal-error.ts';

it.each([
  ['Rows cannot be stored and stay in memory; next try in 2 s: FATAL Error: fsync failed!', true],
  ['FATAL Error: Failed: database has been invalidated because of a previous fatal error.', true],
  ['IO Error: Could not write file "x.duckdb.new": Input/output error', false],
  ['the service says "FATAL Error: out of paper"', false],
])('%s', (message, wanted) => expect(isFatal(message)).toBe(wanted));

/** One catalogue: code, class, operator sentence, what to do. docs/errors.md is generated from it (tools/docs.mjs). */
export type ErrorClass = 'permanent' | 'retryable' | 'cancelled' | 'bug';
export interface ErrorEntry {
  readonly class: ErrorClass;
  /** HTTP status where the API answers with it. */
  readonly status: number;
  readonly says: string;
  readonly todo: string;
}
const e = (cls: ErrorClass, status: number, says: string, todo: string): ErrorEntry => ({ class: cls, status, says, todo });
export const ERRORS = {
  bad_request: e('permanent', 400, 'The request is not understood.', 'See the message for the field at fault.'),
  unauthorized: e('permanent', 401, 'The token is missing or wrong.', 'Use the token printed at start or in runtime.json.'),
  forbidden: e('permanent', 403, 'This host or origin may not talk to the console.', 'Use the address printed at start.'),
  not_found: e('permanent', 404, 'There is no such thing.', 'It may have been pruned by retention; see Sources.'),
  conflict: e('permanent', 409, 'Somebody else has saved since.', 'Read the newer state, then save again.'),
  sql_refused: e('permanent', 400, 'Only one SELECT over the documented views is allowed.', 'See docs/data-dictionary.md.'),
  query_failed: e('permanent', 400, 'The query cannot be run.', "See the database's message."),
  query_timeout: e('retryable', 503, 'The query took longer than its limit.', 'Narrow the time range.'),
  query_memory: e(
    'permanent',
    400,
    'The query needs more memory than there is for queries.',
    'Ask for less at once: fewer rows, shorter lists and texts; see limits.maxEngineBytes.',
  ),
  answer_too_long: e(
    'permanent',
    400,
    'The answer has more rows than can be given.',
    'Narrow the time range, or ask for fewer services or series.',
  ),
  temp_full: e(
    'permanent',
    400,
    'The work needs more disk for its intermediate results than it may take.',
    'Free disk space, or ask for less at once; a bill: in parts. See docs/limits.md.',
  ),
  replay_too_large: e(
    'permanent',
    400,
    'The replay is larger than what is done at once.',
    'See the message for the limit: a shorter window, fewer rules, fewer variants.',
  ),
  replay_busy: e('retryable', 503, 'As many replays as are done at once are under way.', 'Try again when one has ended.'),
  import_stopped: e(
    'retryable',
    503,
    'An import was interrupted: the console takes nothing more.',
    'Import the same file again: what is in already is left out.',
  ),
  cancelled: e('cancelled', 499, 'The caller went away.', ''),
  starting: e('retryable', 503, 'The engine is starting.', 'Try again in a second.'),
  port_taken: e('permanent', 500, 'The port is in use.', 'Stop the other process, or choose another port (0 picks a free one).'),
  data_dir_locked: e('permanent', 500, 'Another Faultline uses this data folder.', 'Use that one, or choose another --data.'),
  data_dir_not_writable: e('permanent', 500, 'The data folder cannot be written.', 'Check its permissions or choose another --data.'),
  config_invalid: e('permanent', 500, 'The configuration has an error.', 'See the file and line.'),
  schema_newer: e('permanent', 500, 'The data folder was written by a newer Faultline.', 'Update Faultline, or choose another --data.'),
  migration_failed: e(
    'permanent',
    500,
    'A data file could not be brought to the layout of this version; it is as it was.',
    'A copy is in backups/. The version that wrote it still opens it; report the message.',
  ),
  file_corrupt: e('permanent', 500, 'A data file is damaged and was set aside.', 'See the quarantine folder; the rest goes on.'),
  model_none: e(
    'permanent',
    409,
    'No local model is chosen.',
    'Add one under Settings, Model; without one the template narrator tells the story.',
  ),
  model_file: e('permanent', 400, 'The model file cannot be used.', 'See the message; choose another GGUF file.'),
  model_memory: e('permanent', 409, 'There is not enough memory for the model.', 'Choose a smaller one, or free memory.'),
  model_overflow: e(
    'permanent',
    400,
    'The question is longer than the model can hold.',
    'Ask for less, or choose a model with a larger context.',
  ),
  model_busy: e('retryable', 503, 'Too many questions wait for the model.', 'Try again when they are answered.'),
  model_deadline: e(
    'permanent',
    503,
    'The model did not answer in time.',
    'Choose a smaller model; the template narrator tells the story.',
  ),
  model_cancelled: e('cancelled', 499, 'The question to the model was cancelled.', ''),
  model_crashed: e('retryable', 503, 'The model process ended while it worked.', 'The next question starts it again; see the log.'),
  model_failed: e('permanent', 500, 'The model cannot run here.', 'See the message and the log.'),
  internal: e('bug', 500, 'Something failed inside.', 'Report it with the log.'),
} as const satisfies Record<string, ErrorEntry>;
export type ErrorCode = keyof typeof ERRORS;

/** Every error that crosses a folder's door. `message` says what, where and with which value. */
export class FaultlineError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FaultlineError';
    this.code = code;
  }
}
/** Our own mistakes only; bad input never lands here. */
export function invariant(ok: unknown, message: string): asserts ok {
  if (!ok) throw new FaultlineError('internal', `BUG: ${message}`);
}

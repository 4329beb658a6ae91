import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ImportResult } from '#contracts/console-api.ts';
import type { Bill } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { isBillFile } from './import/is-bill.ts';
import { sendRecord } from './import/send-record.ts';
import { splitFile } from './import/split-file.ts';
import { isRefused, type RefusedRecord, type TelemetryRecord } from './import/telemetry-record.ts';

/** Requests on their way at once: enough to share one journal sync, few enough to keep the file's order roughly. */
const IN_FLIGHT = 4;
/** Refused records listed one by one; the rest is a number. */
const LISTED = 1_000;

/**
 * Takes in one file: finds its requests and sends them to the receiver, so that an import is validated, journalled and
 * counted as anything else that arrives. Never throws for what is in the file: bad records are listed.
 */
export async function importBytes(file: {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** http://HOST:PORT of the collector's OTLP/HTTP receiver. */
  readonly ingestUrl: string;
  /** Takes a FOCUS bill; it goes to the store, not through the receiver. */
  readonly takeBill: (name: string, bytes: Uint8Array) => Promise<Bill>;
}): Promise<ImportResult> {
  if (isBillFile(file.name, file.bytes)) return billResult(file.name, await file.takeBill(file.name, file.bytes));
  const { format, records } = splitFile(file.bytes);
  const accepted = { traces: 0, logs: 0, metrics: 0 };
  const refused: RefusedRecord[] = [];
  let minTimeMs: number | null = null;
  let maxTimeMs: number | null = null;
  const send = async (record: TelemetryRecord): Promise<void> => {
    const result = await sendRecord(record, file.ingestUrl);
    accepted[record.signal] += result.accepted;
    if (result.refused) refused.push({ line: record.line, ...result.refused });
    if (result.accepted === 0) return;
    minTimeMs = smaller(minTimeMs, record.minTimeMs, Math.min);
    maxTimeMs = smaller(maxTimeMs, record.maxTimeMs, Math.max);
  };
  const pending = new Set<Promise<void>>();
  for (const record of records) {
    if (isRefused(record)) {
      refused.push(record);
      continue;
    }
    const sending = send(record).finally(() => pending.delete(sending));
    pending.add(sending);
    if (pending.size >= IN_FLIGHT) await Promise.race(pending);
  }
  await Promise.all(pending);
  return { file: file.name, format, accepted, refused: listed(refused), minTimeMs, maxTimeMs };
}
function billResult(file: string, bill: Bill): ImportResult {
  const refused = bill.problems
    .filter((problem) => problem.refused)
    .map(({ line, code, says, todo }) => ({ line, reason: code, message: `${says} ${todo}` }));
  const nothing = { traces: 0, logs: 0, metrics: 0 };
  const format = bill.focusVersion === '' ? 'focus-csv' : `focus-${bill.focusVersion}-csv`;
  return { file, format, accepted: nothing, refused, minTimeMs: null, maxTimeMs: null, bill };
}
const smaller = (a: number | null, b: number | null, pick: (...values: number[]) => number): number | null =>
  a === null ? b : b === null ? a : pick(a, b);
function listed(refused: RefusedRecord[]): RefusedRecord[] {
  refused.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (refused.length <= LISTED) return refused;
  const message = `and ${refused.length - LISTED} more, not listed`;
  return [...refused.slice(0, LISTED), { line: null, reason: 'malformed', message }];
}

/** All files under the paths, folders walked in name order. @throws FaultlineError bad_request for a path that is not there */
export function filesUnder(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const facts = statSync(path, { throwIfNoEntry: false });
    if (!facts) throw new FaultlineError('bad_request', `There is no file or folder ${path}.`);
    if (!facts.isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => !name.startsWith('.'));
    return filesUnder(names.sort().map((name) => join(path, name)));
  });
}
/** One file from disk; what cannot be read is listed as refused. */
export async function importFile(
  path: string,
  to: Pick<Parameters<typeof importBytes>[0], 'ingestUrl' | 'takeBill'>,
): Promise<ImportResult> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const refused = [{ line: null, reason: 'unreadable', message: (error as Error).message }];
    return { file: path, format: 'unknown', accepted: { traces: 0, logs: 0, metrics: 0 }, refused, minTimeMs: null, maxTimeMs: null };
  }
  return importBytes({ name: path, bytes, ...to });
}

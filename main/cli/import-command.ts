import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { formatAmount, parseAmount } from '#analytics/cost/money.ts';
import type { ImportResult, Sources } from '#contracts/console-api.ts';
import type { Bill } from '#contracts/cost.ts';
import { FaultlineError, invariant } from '#contracts/errors.ts';
import type { ImportTicket } from '#contracts/import-files.ts';
import { type ImportBookDoor, importPath } from '#main/import/import-path.ts';
import { filesUnder } from './import-files.ts';
import { ImportLine } from './import-line.ts';
import { STDIN, spoolStdin } from './import-stdin.ts';
import { parseRetention, valueAt } from './parse-values.ts';
import { say } from './serve.ts';
import { type ConsoleClient, type InstanceFlags, json, patient, withConsole } from './with-console.ts';

const REFUSED = 3;
export interface ImportFlags extends InstanceFlags {
  readonly retention?: string;
  readonly json?: boolean;
  readonly format?: string;
  readonly again?: boolean;
  readonly map?: string;
}

/** `faultline import`: exit code 0, or 3 when a record was refused, or dropped after it was taken. */
export async function importPaths(paths: readonly string[], flags: ImportFlags): Promise<number> {
  const spool = paths.includes(STDIN) ? await spoolStdin() : null;
  try {
    return await importFiles(
      paths.flatMap((path) =>
        path === STDIN && spool ? [{ path: spool.path, name: 'stdin' }] : filesUnder([path]).map((file) => ({ path: file, name: file })),
      ),
      paths,
      flags,
    );
  } finally {
    spool?.remove();
  }
}
async function importFiles(
  files: readonly { readonly path: string; readonly name: string }[],
  paths: readonly string[],
  flags: ImportFlags,
): Promise<number> {
  if (files.length === 0) throw new FaultlineError('bad_request', `There is no file in ${paths.join(', ')}.`);
  const retentionSeconds = valueAt('--retention', flags.retention ?? 'off', parseRetention);
  return withConsole({ flags, createFolder: true, retentionSeconds }, async (own) => {
    const console = patient(own);
    const ingestUrl = await console.ingestUrl();
    const droppedBefore = await dropped(console);
    const { format = null, again = false, map = null } = flags;
    const book = bookOf(console);
    let refused = 0;
    for (const { path, name } of files) {
      const line = new ImportLine(process.stderr, name);
      const result = await importPath({
        path,
        name,
        book,
        ingestUrl,
        format,
        again,
        map,
        onMeter: (meter) => line.show(meter),
      });
      line.clear();
      refused += result.refusedCount ?? result.refused.length;
      process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : summary(result));
    }
    await console.call('/console/admin/flush', { method: 'POST' });
    const lost = difference(await dropped(console), droppedBefore);
    for (const [reason, count] of lost) say(`${count} items were dropped after they were taken: ${reason} (docs/errors.md)`);
    return refused > 0 || lost.length > 0 ? REFUSED : 0;
  });
}
function bookOf(console: ConsoleClient): ImportBookDoor {
  return {
    begin: async (request) => (await (await console.call('/console/imports/begin', json(request))).json()) as ImportTicket,
    progress: (id, doneRequests) => console.call('/console/imports/progress', json({ id, doneRequests })),
    end: (id, result) => console.call('/console/imports/end', json({ id, result })),
    takeBill: (name, path) => sendBill(console, name, path),
  };
}
/** A bill goes through the console's own API: it is no telemetry. */
async function sendBill(console: ConsoleClient, name: string, path: string): Promise<Bill> {
  const answer = await console.call(`/console/import?name=${encodeURIComponent(basename(name))}`, {
    method: 'POST',
    body: readFileSync(path),
  });
  const { bill } = (await answer.json()) as ImportResult;
  invariant(bill, `${name} is a bill here and none to the engine`);
  return bill;
}
function billSummary({ file, format, bill }: ImportResult & { readonly bill: Bill }): string {
  if (bill.alreadyThere) return `${file}: ${format}, imported before (${bill.rows} rows); nothing was added\n`;
  const totals = bill.totals.map(({ currency, billed }) => `${formatAmount(parseAmount(billed))} ${currency}`).join(', ');
  const repeated = bill.repeatedRows > 0 ? `, ${bill.repeatedRows} known from another file` : '';
  const head = `${file}: ${format}, ${bill.rows} rows, billed ${totals || 'nothing'}${repeated}, ${bill.problemCount} problems\n`;
  const lines = bill.problems.map(
    ({ line, column, says, todo, refused, count }) =>
      `  ${refused ? 'refused' : 'noted'}${line === null ? '' : ` line ${line}`}${column === null ? '' : ` ${column}`}: ${says} ${todo}${count > 1 ? ` (${count} rows)` : ''}\n`,
  );
  return head + lines.join('');
}
function summary(result: ImportResult): string {
  const { bill } = result;
  return bill ? billSummary({ ...result, bill }) : telemetrySummary(result);
}
const SHOWN = 100;
function telemetrySummary({ file, format, accepted, refused, minTimeMs, maxTimeMs, ...more }: ImportResult): string {
  if (more.alreadyImportedMs)
    return `${file}: ${format}, already imported on ${new Date(more.alreadyImportedMs).toISOString()}; nothing was added (--again adds it once more)\n`;
  const span =
    minTimeMs === null || maxTimeMs === null ? '' : `, ${new Date(minTimeMs).toISOString()} to ${new Date(maxTimeMs).toISOString()}`;
  const head = `${file}: ${format}, ${accepted.traces} spans, ${accepted.logs} log records, ${accepted.metrics} points${span}\n`;
  const bad = refused
    .slice(0, SHOWN)
    .map(({ line, offset, reason, message }) => `  refused${placeOf(line, offset)}: ${reason}: ${message}\n`);
  const all = more.refusedCount ?? refused.length;
  const rest = all > bad.length ? `  ${all} items were refused in all\n` : '';
  return head + bad.join('') + rest;
}
const placeOf = (line: number | null, offset: number | null | undefined): string =>
  line !== null ? ` ${line}` : typeof offset === 'number' ? ` byte ${offset}` : '';
/** Items of imports dropped after the acknowledgement, by reason, since the instance started. */
async function dropped(console: ConsoleClient): Promise<ReadonlyMap<string, number>> {
  const { sources } = (await (await console.call('/console/sources')).json()) as Sources;
  const sums = new Map<string, number>();
  for (const source of sources.filter(({ kind }) => kind === 'import'))
    for (const [reason, count] of Object.entries(source.dropped)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return sums;
}
const difference = (after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): [string, number][] =>
  [...after].map(([reason, count]): [string, number] => [reason, count - (before.get(reason) ?? 0)]).filter(([, count]) => count > 0);

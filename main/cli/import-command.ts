import { basename } from 'node:path';
import { formatAmount, parseAmount } from '#analytics/cost/money.ts';
import type { ImportResult, Sources } from '#contracts/console-api.ts';
import type { Bill } from '#contracts/cost.ts';
import { FaultlineError, invariant } from '#contracts/errors.ts';
import { filesUnder, importFile } from './import-files.ts';
import { parseRetention, valueAt } from './parse-values.ts';
import { say } from './serve.ts';
import { type ConsoleClient, type InstanceFlags, withConsole } from './with-console.ts';

const REFUSED = 3;

/** `faultline import`: exit code 0, or 3 when a record was refused, or dropped after it was taken. */
export async function importPaths(
  paths: readonly string[],
  flags: InstanceFlags & { readonly retention?: string; readonly json?: boolean },
): Promise<number> {
  const files = filesUnder(paths);
  if (files.length === 0) throw new FaultlineError('bad_request', `There is no file in ${paths.join(', ')}.`);
  const retentionSeconds = valueAt('--retention', flags.retention ?? 'off', parseRetention);
  return withConsole({ flags, createFolder: true, retentionSeconds }, async (console) => {
    const ingestUrl = await console.ingestUrl();
    const droppedBefore = await dropped(console);
    let refused = 0;
    for (const file of files) {
      const result = await importFile(file, { ingestUrl, takeBill: (name, bytes) => sendBill(console, name, bytes) });
      refused += result.refused.length;
      process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : summary(result));
    }
    await console.call('/console/admin/flush', { method: 'POST' });
    const lost = difference(await dropped(console), droppedBefore);
    for (const [reason, count] of lost) say(`${count} items were dropped after they were taken: ${reason} (docs/errors.md)`);
    return refused > 0 || lost.length > 0 ? REFUSED : 0;
  });
}
/** A bill goes through the console's own API: it is no telemetry. */
async function sendBill(console: ConsoleClient, name: string, bytes: Uint8Array): Promise<Bill> {
  const answer = await console.call(`/console/import?name=${encodeURIComponent(basename(name))}`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
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
function telemetrySummary({ file, format, accepted, refused, minTimeMs, maxTimeMs }: ImportResult): string {
  const span =
    minTimeMs === null || maxTimeMs === null ? '' : `, ${new Date(minTimeMs).toISOString()} to ${new Date(maxTimeMs).toISOString()}`;
  const head = `${file}: ${format}, ${accepted.traces} spans, ${accepted.logs} log records, ${accepted.metrics} points${span}\n`;
  const bad = refused.map(({ line, reason, message }) => `  refused${line === null ? '' : ` ${line}`}: ${reason}: ${message}\n`);
  return head + bad.join('');
}
/** Items of HTTP senders dropped after the acknowledgement, by reason, since the instance started. */
async function dropped(console: ConsoleClient): Promise<ReadonlyMap<string, number>> {
  const { sources } = (await (await console.call('/console/sources')).json()) as Sources;
  const http = sources.filter((source) => source.kind === 'otlp-http');
  return new Map(http.flatMap((source) => Object.entries(source.dropped)));
}
const difference = (after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): [string, number][] =>
  [...after].map(([reason, count]): [string, number] => [reason, count - (before.get(reason) ?? 0)]).filter(([, count]) => count > 0);

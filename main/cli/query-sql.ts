import { readFileSync } from 'node:fs';
import type { AnswerFormat } from './format-table.ts';
import { type InstanceFlags, json, withConsole } from './with-console.ts';

/** `faultline query sql`: the answer on stdout. @throws FaultlineError sql_refused, query_failed, query_timeout */
export async function querySql(
  expression: string,
  flags: InstanceFlags & { readonly format: AnswerFormat | 'arrow'; readonly maxRows?: number },
): Promise<number> {
  const sql = expression === '-' ? readFileSync(0, 'utf8') : expression;
  const body = { sql, ...(flags.maxRows === undefined ? {} : { maxRows: flags.maxRows }) };
  const stream = await withConsole({ flags }, async (console) => {
    const response = await console.call('/console/query/sql', json(body));
    return new Uint8Array(await response.arrayBuffer());
  });
  if (flags.format === 'arrow') process.stdout.write(stream);
  else process.stdout.write((await import('./format-table.ts')).formatTable(stream, flags.format));
  return 0;
}

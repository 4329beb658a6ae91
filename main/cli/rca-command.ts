import { sayEvidence } from '#analytics/rca/narrate.ts';
import type { RcaResult } from '#contracts/judgement.ts';
import { timeFlag } from './parse-values.ts';
import { type InstanceFlags, json, withConsole } from './with-console.ts';

export interface RcaFlags extends InstanceFlags {
  readonly start: string;
  readonly end: string;
  readonly service?: string;
  readonly top?: number;
  readonly json?: boolean;
}
/** `faultline rca`: ranked causes on stdout, as JSON (contract) or for people. */
export async function rca(flags: RcaFlags): Promise<number> {
  const nowMs = Date.now();
  const start = timeFlag('--start', flags.start, nowMs);
  const end = timeFlag('--end', flags.end, nowMs);
  const question = {
    start,
    end,
    ...(flags.service ? { service: flags.service } : {}),
    ...(flags.top === undefined ? {} : { top: flags.top }),
  };
  const result = await withConsole(
    { flags },
    async (console) => (await console.call('/console/rca', json(question))).json() as Promise<RcaResult>,
  );
  if (result.notJudged) {
    process.stderr.write(`${result.notJudged} series were not looked at: there are more than judgement takes (docs/limits.md)\n`);
  }
  process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : describe(result));
  return 0;
}
function describe(result: RcaResult): string {
  const lines = [`verdict: ${result.verdict}`];
  for (const { rank, service, instance, kind, score, because, evidence } of result.candidates) {
    lines.push(`${rank}. ${service}${instance ? ` (${instance})` : ''}: ${kind}, score ${score.toFixed(2)}`, `   ${because}`);
    for (const row of evidence) lines.push(`   ${row.id} ${row.signal}: ${sayEvidence(row, 'en')}`);
  }
  if (result.candidates.length === 0) lines.push('no candidate');
  return `${lines.join('\n')}\n`;
}

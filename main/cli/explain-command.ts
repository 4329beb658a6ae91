import type { ExplainState, Explanation } from '#contracts/explanation.ts';
import { type ConsoleClient, type InstanceFlags, json, withConsole } from './with-console.ts';

export interface ExplainFlags extends InstanceFlags {
  readonly again?: boolean;
  readonly deadline?: number;
  readonly json?: boolean;
}
const POLL_MS = 200;

/**
 * `faultline explain INCIDENT`: the template narrative, and, where a local model is set, what it said and what became of each
 * of its sentences. Exit code 0 whatever the model did: the narrative is there.
 */
export async function explain(incidentId: string, flags: ExplainFlags): Promise<number> {
  const path = `/console/incidents/${encodeURIComponent(incidentId)}`;
  const state = await withConsole({ flags }, async (console): Promise<ExplainState> => {
    const question = {
      ...(flags.again ? { again: true } : {}),
      ...(flags.deadline === undefined ? {} : { deadlineMs: 1_000 * flags.deadline }),
    };
    let now = (await (await console.call(`${path}/explain`, json(question))).json()) as ExplainState;
    for (let shown = ''; now.job !== null; now = await answerOf(console, path)) {
      if (now.job.stage !== shown) process.stderr.write(`${now.job.stage} ...\n`);
      shown = now.job.stage;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
    return now;
  });
  process.stdout.write(flags.json ? `${JSON.stringify(state)}\n` : describe(state));
  return 0;
}
const answerOf = async (console: ConsoleClient, path: string): Promise<ExplainState> =>
  (await (await console.call(`${path}/explanation`)).json()) as ExplainState;

/** For people: narrative first, then the model. */
export function describe({ narrative, last }: ExplainState): string {
  return `${narrative}\n\n${(last === null ? ['The model was not asked.'] : sayModel(last)).join('\n')}\n`;
}
function sayModel(last: Explanation): string[] {
  const name = last.model === null ? '' : `${last.model.name}${last.model.demo ? ' (demo model: proves the path only)' : ''}`;
  if (last.outcome !== 'answered') return [`${name === '' ? '' : `${name}: `}${last.message}`];
  return [
    `${name}, ${last.promptTokens} tokens read, ${last.answerTokens} written${last.cached ? ', answer of an earlier call' : ''}:`,
    `  ${sayChoice(last)}`,
    ...last.sentences.map(({ text, evidence }) => `  holds    ${text} [${evidence.join(', ')}]`),
    ...last.dropped.map(
      ({ text, reasons }) => `  dropped  ${text} (${reasons.map(({ reason, part }) => `${reason}: ${part}`).join('; ')})`,
    ),
  ];
}
function sayChoice({ choice }: Explanation): string {
  if (choice === null) return '';
  const chosen = choice.service === null ? 'none of the candidates' : `${choice.service} (${choice.kind})`;
  return `chooses ${chosen}, confidence ${choice.confidence}; ${choice.agrees ? 'so does the ranking' : 'the ranking says otherwise and stands'}`;
}

import { writeFileSync } from 'node:fs';
import { FaultlineError } from '#contracts/errors.ts';
import type { PostmortemSummary } from '#contracts/postmortem.ts';
import { type ConsoleClient, type InstanceFlags, json, withConsole } from './with-console.ts';

export interface PostmortemFlags extends InstanceFlags {
  readonly format: 'md' | 'html' | 'json';
  readonly out?: string;
  readonly draft?: boolean | string;
}
const of = (incident: string): string => `/console/postmortems/${encodeURIComponent(incident)}`;

async function draftWhenNone(console: ConsoleClient, incident: string, locale: string): Promise<void> {
  try {
    await console.call(`${of(incident)}/draft`, json({ locale }));
  } catch (error) {
    // What people wrote is never replaced by a draft.
    if (!(error instanceof FaultlineError && error.code === 'conflict')) throw error;
  }
}
/** `faultline postmortem INCIDENT`: the file on stdout or in --out; 3 when a number changed or could not be checked. */
export async function postmortem(incident: string, flags: PostmortemFlags): Promise<number> {
  const { text, unverified } = await withConsole({ flags }, async (console) => {
    if (flags.draft) await draftWhenNone(console, incident, flags.draft === true ? 'en' : flags.draft);
    const response = await console.call(`${of(incident)}/export?format=${flags.format}`).catch((error: unknown) => {
      if (!(error instanceof FaultlineError && error.code === 'not_found')) throw error;
      throw new FaultlineError('not_found', `${error.message} --draft writes one where there is such an incident (faultline incidents).`);
    });
    return { text: await response.text(), unverified: Number(response.headers.get('x-unverified') ?? 0) };
  });
  if (flags.out === undefined) process.stdout.write(text);
  else {
    try {
      writeFileSync(flags.out, text, { mode: 0o600 });
    } catch (error) {
      throw new FaultlineError('bad_request', `--out: cannot write ${flags.out}: ${(error as Error).message}`);
    }
  }
  if (unverified === 0) return 0;
  process.stderr.write(
    `faultline: ${unverified} numbers changed or could not be checked; the verification at the end of the file lists them.\n`,
  );
  return 3;
}
/** `faultline postmortem list`. */
export async function listPostmortems(flags: InstanceFlags & { readonly json?: boolean }): Promise<number> {
  const { postmortems } = await withConsole(
    { flags },
    async (console) => (await (await console.call('/console/postmortems')).json()) as { postmortems: PostmortemSummary[] },
  );
  if (flags.json) process.stdout.write(`${JSON.stringify(postmortems)}\n`);
  else
    for (const { incidentId, status, revision, savedMs, title } of postmortems)
      process.stdout.write(`${incidentId}\t${status}\trevision ${revision}\t${new Date(savedMs).toISOString()}\t${title}\n`);
  return 0;
}

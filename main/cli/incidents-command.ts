import type { Incident } from '#contracts/judgement.ts';
import { type InstanceFlags, withConsole } from './with-console.ts';

/** `faultline incidents`: open ones first, then the newest; the id is what `explain` and `postmortem` take. */
export async function incidents(flags: InstanceFlags & { readonly json?: boolean }): Promise<number> {
  const answer = await withConsole(
    { flags },
    async (console) => (await (await console.call('/console/incidents')).json()) as { incidents: Incident[] },
  );
  const rank = ({ status }: Incident): number => (status === 'open' ? 0 : 1);
  const sorted = answer.incidents.toSorted((a, b) => rank(a) - rank(b) || b.onsetMs - a.onsetMs);
  if (flags.json) process.stdout.write(`${JSON.stringify(sorted)}\n`);
  else if (sorted.length === 0) process.stderr.write('no incident\n');
  else process.stdout.write(sorted.map(describe).join(''));
  return 0;
}
export function describe({ id, status, severity, onsetMs, title, rca }: Incident): string {
  const [first] = rca?.candidates ?? [];
  const cause = first ? `${rca?.verdict}: ${first.kind} in ${first.service}` : 'no cause yet';
  return `${id}\t${status}\t${severity}\t${new Date(onsetMs).toISOString()}\t${title}\t${cause}\n`;
}

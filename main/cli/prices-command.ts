import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { PriceList } from '#contracts/cost.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { type InstanceFlags, withConsole } from './with-console.ts';

/** `faultline prices [show|set FILE|clear]`: the price lists of a console; `set` replaces the own one. */
export async function prices(
  what: 'show' | 'set' | 'clear',
  file: string | null,
  flags: InstanceFlags & { readonly json?: boolean },
): Promise<number> {
  const init = requestOf(what, file);
  const list = await withConsole({ flags, createFolder: what === 'set' }, async (console) => {
    const answer = await console.call('/console/cost/prices', init);
    return (await answer.json()) as PriceList;
  });
  process.stdout.write(flags.json ? `${JSON.stringify(list)}\n` : describe(list));
  return 0;
}
function requestOf(what: 'show' | 'set' | 'clear', file: string | null): RequestInit {
  if (what === 'show') return {};
  if (what === 'clear') return { method: 'DELETE' };
  const text = textOf(file ?? '');
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: basename(file ?? ''), text }) };
}
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FaultlineError('bad_request', `${file} cannot be read: ${(error as Error).message}`);
  }
}
function describe({ lists }: PriceList): string {
  return lists
    .map(({ name, kind, source, entries }) => {
      const rows = entries.slice(0, 20).map((e) => {
        const place = [e.node, e.instanceType, e.region, e.provider].filter((text) => text !== '').join(', ') || 'everything';
        return `  ${place}: ${e.cpuCoreHour} per core-hour, ${e.memoryGiBHour} per GiB-hour, ${e.currency}, from ${e.from}\n`;
      });
      const more = entries.length > 20 ? `  and ${entries.length - 20} more\n` : '';
      return `${name} (${kind === 'own_list' ? 'own' : 'shipped'}): ${source}\n${rows.join('')}${more}`;
    })
    .join('');
}

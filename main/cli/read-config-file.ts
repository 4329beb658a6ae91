import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { ZodError } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { type Config, configSchema } from '#contracts/settings.ts';

type Path = readonly (string | number)[];
type Issue = ZodError['issues'][number];

/** "file:line: key: what is wrong", one line for each. */
function describe(file: string, issues: readonly Issue[], document: Document, lines: LineCounter): string {
  return issues
    .flatMap((issue) => {
      const path = issue.path.filter((part) => typeof part !== 'symbol') as Path;
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...path, key], says: 'there is no such key' }));
      return [{ path, says: issue.message }];
    })
    .map(({ path, says }) => `${file}:${lineOf(path, document, lines)}: ${path.join('.') || '(file)'}: ${says}`)
    .join('\n');
}
function lineOf(path: Path, document: Document, lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const items = (parent as { items?: readonly { key?: { value?: unknown; range?: readonly number[] } }[] } | null)?.items;
    const range = items?.find((item) => item.key?.value === path[length - 1])?.key?.range;
    if (range) return lines.linePos(range[0] as number).line;
  }
  return 1;
}

/**
 * faultline.yaml as written: only the keys that are there, each checked against contracts/settings.ts.
 * @throws FaultlineError config_invalid with file and line for each fault
 */
export function readConfigFile(file: string): Partial<Config> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new FaultlineError('config_invalid', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  return parseConfig(text, file);
}
export function parseConfig(text: string, file: string): Partial<Config> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault) throw new FaultlineError('config_invalid', `${file}:${lines.linePos(fault.pos[0]).line}: ${fault.message}`);
  const written = (document.toJS({ maxAliasCount: 100 }) ?? {}) as Record<string, unknown>;
  const checked = configSchema.safeParse(written);
  if (!checked.success) throw new FaultlineError('config_invalid', describe(file, checked.error.issues, document, lines));
  // Defaults are no decision of the user: they must not hide a variable of the environment.
  const keys = Object.keys(written) as (keyof Config)[];
  return Object.fromEntries(keys.map((key) => [key, checked.data[key]])) as Partial<Config>;
}

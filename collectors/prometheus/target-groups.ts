import { globSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { TargetGroup } from './targets.ts';

/** What one list may hold; a larger one is refused whole, and the last good one stays. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;
const MAX_TARGETS = 100_000;

const groupSchema = z.array(
  z.object({ targets: z.array(z.string()).nullish(), labels: z.record(z.string(), z.coerce.string()).nullish() }),
);
/** @throws Error that says what is wrong */
export function targetGroups(list: unknown, meta: Readonly<Record<string, string>>): TargetGroup[] {
  const parsed = groupSchema.safeParse(list);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(`at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'not a list of target groups'}`);
  }
  const groups = parsed.data.map(({ targets, labels }) => ({ targets: targets ?? [], labels: { ...labels, ...meta } }));
  const count = groups.reduce((sum, group) => sum + group.targets.length, 0);
  if (count > MAX_TARGETS) throw new Error(`it lists ${count} targets, the limit is ${MAX_TARGETS}`);
  return groups;
}
/** JSON of http_sd. @throws Error that says what is wrong */
export function readHttpTargets(body: Uint8Array, contentType: string, url: string): TargetGroup[] {
  if (!/^\s*application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType))
    throw new Error(`${url} answered with the content type "${contentType.slice(0, 100)}", not application/json`);
  try {
    return targetGroups(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)), { __meta_url: url });
  } catch (cause) {
    throw new Error(`cannot read the targets of ${url}: ${(cause as Error).message}`, { cause });
  }
}
/** file_sd: JSON or YAML target groups. Throws with the file's name; the caller keeps the last good list. */
export function readTargetFiles(patterns: readonly string[]): TargetGroup[] {
  return globSync([...patterns])
    .sort()
    .flatMap((file) => {
      try {
        const content = readFileSync(file, 'utf8');
        if (content.length > MAX_LIST_BYTES) throw new Error(`it has more than ${MAX_LIST_BYTES} characters`);
        const list: unknown = file.toLowerCase().endsWith('.json') ? JSON.parse(content) : parseYaml(content);
        return targetGroups(list ?? [], { __meta_filepath: file });
      } catch (cause) {
        throw new Error(`cannot read targets of ${file}: ${(cause as Error).message}`, { cause });
      }
    });
}
export { MAX_LIST_BYTES };

// Generates docs/errors.md from contracts/, and checks that every path named in docs/chains.md exists.
// node tools/docs.mjs [--check]   With --check nothing is written; a difference fails.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '../contracts/errors.ts';
import { REASONS } from '../contracts/reasons.ts';
import { limitsSchema } from '../contracts/settings.ts';
import { root } from './pinned-node.mjs';

const check = process.argv.includes('--check');
const problems = [];
const cell = (text) => String(text).replaceAll('|', '\\|');
const table = (head, rows) =>
  [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`)].join('\n');

const errors = `# Errors and reasons

Generated from contracts/errors.ts and contracts/reasons.ts by tools/docs.mjs; do not edit.

## Errors of the API and the command line

${table(
  ['code', 'class', 'HTTP', 'what', 'what to do'],
  Object.entries(ERRORS).map(([code, e]) => [`\`${code}\``, e.class, e.status, e.says, e.todo]),
)}

## Why telemetry was refused, dropped or repaired

refused: the sender was told. dropped: found after the acknowledgement, counted. noted: kept, with a repair.

${table(
  ['code', 'kind', 'what', 'what to do'],
  Object.entries(REASONS).map(([code, r]) => [`\`${code}\``, r.kind, r.says, r.todo]),
)}
`;
const shape = limitsSchema.unwrap?.().shape ?? limitsSchema.def.innerType.shape;
const defaults = limitsSchema.parse({});
const limits = `# Limits of receiving

Generated from contracts/settings.ts by tools/docs.mjs; do not edit. Keys of \`limits:\` in faultline.yaml. What goes over
one is refused or cut, counted by reason (docs/errors.md) and shown on the Sources page. Other limits: docs/limits.md.

${table(
  ['key', 'default', 'what'],
  Object.entries(shape).map(([key, schema]) => [
    `\`${key}\``,
    JSON.stringify(defaults[key]),
    schema.description ?? schema.def?.innerType?.description ?? '',
  ]),
)}
`;
mkdirSync(join(root, 'docs'), { recursive: true });
for (const [name, text] of [
  ['docs/errors.md', errors],
  ['docs/receive-limits.md', limits],
]) {
  const path = join(root, name);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (before === text) continue;
  if (check) problems.push(`${name} is not what contracts/ say: run node tools/docs.mjs`);
  else writeFileSync(path, text);
}
const chains = join(root, 'docs/chains.md');
if (existsSync(chains)) {
  for (const [, named] of readFileSync(chains, 'utf8').matchAll(
    /`((?:collectors|store|main|analytics|renderer|contracts|query|demo)\/[\w./-]+\.\w+)`/g,
  )) {
    if (!existsSync(join(root, named))) problems.push(`docs/chains.md names ${named}, which does not exist`);
  }
}
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

// docs.mjs [--check]: docs/errors.md and docs/receive-limits.md from contracts/, and proof that every path docs/chains.md
// names is there.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BILL_PROBLEMS } from '../contracts/bill-problems.ts';
import { ERRORS } from '../contracts/errors.ts';
import { REASONS } from '../contracts/reasons.ts';
import { limitsSchema } from '../contracts/settings.ts';

const root = resolve(import.meta.dirname, '..');
const cell = (text) => String(text).replaceAll('|', '\\|');
const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;

const CLASSES = {
  permanent: 'the same call fails again',
  retryable: 'the same call may succeed later',
  cancelled: 'nobody waits for the answer',
  bug: 'a mistake of ours',
};
const KINDS = {
  refused: 'The sender was told: nothing was taken.',
  dropped: 'Found after the acknowledgement and counted; the item is not stored.',
  noted: 'Stored, with a repair worth knowing.',
};

export function errorsDocument() {
  const lines = [
    '# Errors and reasons',
    '',
    'Generated from `contracts/errors.ts` and `contracts/reasons.ts` by `tools/docs.mjs`; do not edit.',
    '',
    '## Errors',
    '',
    'Answered by the API as `{"error":{"code","message","todo"}}` and said by the command line. Classes: ' +
      `${Object.entries(CLASSES)
        .map(([name, says]) => `*${name}*: ${says}`)
        .join('; ')}.`,
    '',
    row('code', 'class', 'HTTP', 'what it says', 'what to do'),
    row('---', '---', '---', '---', '---'),
    ...Object.entries(ERRORS).map(([code, entry]) => row(`\`${code}\``, entry.class, entry.status, entry.says, entry.todo)),
    '',
    '## Reasons',
    '',
    'Why telemetry was refused, dropped or repaired: a label of the counters in `/metrics` and a line on the Sources page.',
    '',
  ];
  for (const [kind, says] of Object.entries(KINDS)) {
    lines.push(`### ${kind}`, '', says, '', row('code', 'what it says', 'what to do'), row('---', '---', '---'));
    for (const [code, reason] of Object.entries(REASONS))
      if (reason.kind === kind) lines.push(row(`\`${code}\``, reason.says, reason.todo));
    lines.push('');
  }
  lines.push(
    '## Bills',
    '',
    'What may be wrong with a FOCUS bill (`contracts/bill-problems.ts`). *refused*: the row or file is not taken; *noted*: it is, as billed.',
    '',
  );
  lines.push(row('code', 'kind', 'what it says', 'what to do'), row('---', '---', '---', '---'));
  for (const [code, problem] of Object.entries(BILL_PROBLEMS)) lines.push(row(`\`${code}\``, problem.kind, problem.says, problem.todo));
  lines.push('');
  return lines.join('\n');
}
export function limitsDocument() {
  const { shape } = limitsSchema.unwrap();
  const defaults = limitsSchema.parse({});
  const says = (schema) => schema.description ?? schema.unwrap?.().description ?? '';
  return [
    '# Limits of receiving',
    '',
    'Generated from `contracts/settings.ts` by `tools/docs.mjs`; do not edit. Keys of `limits:` in faultline.yaml, or',
    '`FAULTLINE_LIMITS_...`. What goes over one is refused or cut, counted by reason (docs/errors.md) and shown on the',
    'Sources page. Other limits: docs/limits.md.',
    '',
    row('key', 'default', 'what'),
    row('---', '---', '---'),
    ...Object.entries(shape).map(([key, schema]) => row(`\`${key}\``, JSON.stringify(defaults[key]), says(schema))),
    '',
  ].join('\n');
}
/** Paths in backquotes in docs/chains.md and ARCHITECTURE.md that are not there. */
export function brokenPaths() {
  const broken = [];
  for (const file of ['docs/chains.md', 'ARCHITECTURE.md']) {
    if (!existsSync(join(root, file))) continue;
    for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
      for (const [, path] of line.matchAll(/`([a-z][\w-]*\/[\w./-]+\.(?:ts|svelte|mjs|md|sql))`/g))
        if (!existsSync(join(root, path))) broken.push(`${file}:${index + 1} there is no ${path}`);
    }
  }
  return broken;
}
if (process.argv[1] === import.meta.filename) {
  const broken = brokenPaths();
  for (const line of broken) console.error(line);
  process.exitCode = broken.length === 0 ? 0 : 1;
  for (const [name, text] of Object.entries({ 'docs/errors.md': errorsDocument(), 'docs/receive-limits.md': limitsDocument() })) {
    const target = join(root, name);
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    if (process.argv.includes('--check')) {
      console.error(`${name} does not fit contracts/: run "node tools/with-node.mjs tools/docs.mjs"`);
      process.exitCode = 1;
    } else {
      mkdirSync(join(root, 'docs'), { recursive: true });
      writeFileSync(target, text);
    }
  }
}

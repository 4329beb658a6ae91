// npm run notices [-- --check]: THIRD-PARTY-NOTICES.md from package-lock.json and the licence files of what is
// installed. Packages for other platforms are listed too; what is not installed here gives no licence text.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const target = join(root, 'THIRD-PARTY-NOTICES.md');
const LONG_TEXT = 60_000;
/** Permissive only; a package with another licence needs a decision record before it comes in. */
const PERMISSIVE =
  /^\(?(?:MIT|MIT-0|ISC|BSD|BSD-2-Clause|BSD-3-Clause|0BSD|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-4\.0|Python-2\.0|Unlicense|OFL-1\.1|MPL-2\.0|EPL-2\.0|Zlib)(?:\s+(?:OR|AND)\s+[\w.-]+)*\)?$/;

function packages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ ...entry, path, name: entry.name ?? path.replace(/^.*node_modules\//, '') }));
}
function manifest({ path }) {
  const file = join(root, path, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}
function licenceOf(entry) {
  const own =
    entry.license ??
    manifest(entry)?.license ??
    manifest(entry)
      ?.licenses?.map(({ type }) => type)
      .join(' OR ');
  return typeof own === 'object' ? own.type : (own ?? licenceOfText(entry));
}
function licenceText({ path }) {
  const folder = join(root, path);
  if (!existsSync(folder)) return null;
  const name = readdirSync(folder).find((each) => /^(?:licen[cs]e|copying)(?:[.-].*)?$/i.test(each));
  return name ? readFileSync(join(folder, name), 'utf8').trim().replace(/\r\n/g, '\n') : null;
}
/** A few packages state their licence in its text only. */
function licenceOfText(entry) {
  const text = licenceText(entry) ?? '';
  if (/Permission is hereby granted, free of charge, to any person obtaining a copy/.test(text)) return 'MIT';
  return /Apache License\s+Version 2\.0/.test(text) ? 'Apache-2.0' : undefined;
}
/** Shipped with the console: not a development dependency. The page's packages are bundled, so they ship as well. */
const PAGE = ['svelte', 'uplot', 'elkjs', '@lucide/svelte', '@fontsource-variable/inter', '@fontsource-variable/jetbrains-mono'];
const ships = (entry) => (!entry.dev && !entry.devOptional) || PAGE.includes(entry.name);

export function notices() {
  const all = packages();
  const unknown = all.filter((entry) => !PERMISSIVE.test(licenceOf(entry) ?? ''));
  const row = (entry) => `| ${entry.name} | ${entry.version ?? ''} | ${licenceOf(entry) ?? 'not stated'} |`;
  const table = (entries) => ['| package | version | licence |', '|---|---|---|', ...[...new Set(entries.map(row))].sort()].join('\n');
  const texts = new Map();
  for (const entry of all.filter(ships)) {
    const text = licenceText(entry);
    // Node's own licence file is a book that names hosts: it stays in its package, which we do not copy.
    if (text && text.length < LONG_TEXT) texts.set(text, [...(texts.get(text) ?? []), entry.name]);
  }
  const blocks = [...texts].map(([text, names]) => [[...new Set(names)].sort().join(', '), text]).sort(([a], [b]) => (a < b ? -1 : 1));
  const body = [
    '# Third-party notices',
    '',
    'Generated from package-lock.json by `npm run notices`; do not edit.',
    '',
    '## Shipped with the console',
    '',
    table(all.filter(ships)),
    '',
    '## Used to build and test only',
    '',
    table(all.filter((entry) => !ships(entry))),
    '',
    '## Licence texts of what is shipped',
    '',
    ...blocks.flatMap(([names, text]) => [`### ${names}`, '', '```text', text, '```', '']),
  ];
  return { text: body.join('\n'), unknown: unknown.map((entry) => `${entry.name}: ${licenceOf(entry) ?? 'no licence stated'}`) };
}
/** The tables only: licence texts of optional packages differ with the platform they are looked at on. */
const tablesOf = (text) => text.split('\n## Licence texts')[0];

if (process.argv[1] === import.meta.filename) {
  const { text, unknown } = notices();
  for (const line of unknown) console.error(`licence to be decided: ${line}`);
  const old = existsSync(target) ? readFileSync(target, 'utf8') : '';
  if (process.argv.includes('--check')) {
    const same = tablesOf(old) === tablesOf(text);
    if (!same) console.error('THIRD-PARTY-NOTICES.md does not fit package-lock.json: run "npm run notices"');
    process.exitCode = same && unknown.length === 0 ? 0 : 1;
  } else {
    writeFileSync(target, text);
    console.error(`${target} written`);
    process.exitCode = unknown.length > 0 ? 1 : 0;
  }
}

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { FaultlineError } from '#contracts/errors.ts';
import { readRules } from '#query/rules/read-rules.ts';
import { parseYaml } from './parse-yaml.ts';

/** Rules that were adopted on the page: a rule file of this console's own in its data folder, evaluated beside the given ones. */
export const ADOPTED_FILE = 'adopted-rules.yml';
const MAX_GROUPS = 500;
const HEAD = ' Rules adopted in the replay lab. This file is read again when it changes.';

export function readAdopted(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
/** Puts the groups of a rule file into it; those of the same name are replaced. @throws FaultlineError bad_request, with the place */
export function adoptRules(file: string, text: string): string[] {
  const { groups, problems } = readRules(parseYaml(text), file);
  if (problems[0]) throw new FaultlineError('bad_request', problems[0].message);
  if (groups.length === 0) throw new FaultlineError('bad_request', 'There is no group in it.');
  const document = parseDocument(readAdopted(file));
  const given = parseDocument(text).get('groups') as YAMLSeq<YAMLMap>;
  const names = new Set(groups.map(({ name }) => name));
  const known = document.get('groups');
  const kept = (isSeq(known) ? known.items : []).filter((each) => isMap(each) && !names.has(String(each.get('name'))));
  if (kept.length + given.items.length > MAX_GROUPS)
    throw new FaultlineError('bad_request', `At most ${MAX_GROUPS} groups are kept in ${file}.`);
  write(file, [...kept, ...given.items]);
  return [...names];
}
/** @throws FaultlineError not_found */
export function removeAdopted(file: string, name: string): void {
  const known = parseDocument(readAdopted(file)).get('groups');
  const items = isSeq(known) ? known.items : [];
  const kept = items.filter((each) => !isMap(each) || String(each.get('name')) !== name);
  if (kept.length === items.length) throw new FaultlineError('not_found', `There is no adopted group ${JSON.stringify(name)}.`);
  write(file, kept);
}
function write(file: string, groups: readonly unknown[]): void {
  const document = parseDocument('groups: []');
  document.commentBefore = HEAD;
  document.set('groups', groups);
  // Whole or not at all: the file may be read at any moment.
  writeFileSync(`${file}.new`, document.toString({ lineWidth: 140 }));
  renameSync(`${file}.new`, file);
}

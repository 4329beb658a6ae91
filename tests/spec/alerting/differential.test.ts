import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#main/alerting/load-config.ts';
import { parseMatcher } from '#query/alerting/parse-matchers.ts';
import { printConfigProblems } from '#query/alerting/read-config.ts';
import { RouteTree } from '#query/alerting/routes.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { checkFiles, hasAmtool, receiversOf } from './amtool.ts';
import { generateConfig } from './generate-config.ts';

/** Random files against Debian's amtool (0.25): taken or refused in the same words, alerts to the same receivers. */
const SEEDS = Number(process.env['FAULTLINE_ALERTING_SEEDS'] ?? 60);
const FIRST = Number(process.env['FAULTLINE_ALERTING_FIRST'] ?? 1);
/** Of how many files the routes are asked: a process for each set of labels. */
const ASKED = Math.max(12, SEEDS / 10);
const folder = mkdtempSync(join(tmpdir(), 'faultline-alerting-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Words of 0.25 that Alertmanager has changed since, a newer yaml package's for a key that stands twice, and those of Go's regexp package. */
const SINCE: readonly (readonly [RegExp | string, string])[] = [
  ['other other labels', 'other labels'],
  ['missing URL in webhook config', 'one of url or url_file must be configured'],
  ['missing token in Pushover config', 'one of token or token_file must be configured'],
  ['missing user key in Pushover config', 'one of user_key or user_key_file must be configured'],
  ['model.LabelNames', '[]string'],
  [/field (\w+) already set in type \S+/g, '$1 twice'],
  [/mapping key "(\w+)" already defined at line \d+/g, '$1 twice'],
  [/(error parsing regexp: ).*/g, '$1...'],
];
const bare = (text: string): string => SINCE.reduce((said, [from, to]) => said.replaceAll(from, to), text);

describe.skipIf(!hasAmtool)('random files beside amtool (skipped without it)', () => {
  const cases = Array.from({ length: SEEDS }, (_, i) => ({ file: `${FIRST + i}.yml`, ...generateConfig(FIRST + i) }));
  for (const { file, text } of cases) writeFileSync(join(folder, file), text);
  const said = hasAmtool
    ? checkFiles(
        cases.map(({ file }) => file),
        folder,
      )
    : new Map<string, string>();
  const good = cases.filter(({ file }) => said.get(file) === '');

  it.each(cases)('$file is taken or refused alike', ({ file, text }) => {
    const { problems } = loadConfig(join(folder, file));
    expect(bare(printConfigProblems(problems) || ''), text).toBe(bare(said.get(file) ?? 'amtool said nothing'));
  });
  it('some are taken, some refused', () => {
    expect(good.length).toBeGreaterThan(SEEDS / 3);
    expect(good.length).toBeLessThan(SEEDS * 0.9);
  });
  it.each(good.slice(0, ASKED))('$file routes alike', ({ file, text, labels }) => {
    const { config } = loadConfig(join(folder, file));
    const tree = new RouteTree((config as NonNullable<typeof config>).route);
    for (const pairs of labels) {
      const asked = labelsOf(pairs.map(parseMatcher).map(({ name, value }) => [name, value]));
      const own = tree.match(asked).map(({ receiver }) => receiver);
      expect(own.join(','), `${text}\n${pairs.join(' ')}`).toBe(receiversOf(file, pairs, folder));
    }
  });
});

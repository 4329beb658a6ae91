import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseYaml, parseYamlDocuments } from '#main/rules/parse-yaml.ts';
import { printRules } from '#main/rules/print-rules.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import { DAY_MS, promDuration, windowsOf } from '#query/slo/burn-windows.ts';
import { type GeneratedGroup, generateRules } from '#query/slo/generate-rules.ts';
import { readSlos } from '#query/slo/read-slos.ts';

/** Sloth's own examples: what it makes of each, rule for rule and character for character (tests/fixtures/slo/SOURCE.md). */
interface Rules {
  readonly groups: readonly unknown[];
}
interface Fixture {
  readonly windows: Readonly<Record<string, unknown>>;
  readonly burnRateVectors: readonly ({ readonly periodDays: number } & Record<
    'page' | 'ticket',
    readonly (readonly [string, string, number])[]
  >)[];
  readonly examples: Readonly<
    Record<string, { readonly input: readonly unknown[]; readonly expected: readonly (Rules | { readonly spec: Rules })[] }>
  >;
}
const fixture = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, '../../fixtures/slo/sloth-examples.json.gz'))).toString(),
) as Fixture;

const documentsOf = (parts: readonly unknown[]) =>
  parseYamlDocuments(parts.map((part) => `---\n${JSON.stringify(part, null, 1)}\n`).join(''));
function generated(parts: readonly unknown[]): { groups: GeneratedGroup[]; problems: string[] } {
  const files = readSlos([{ file: 'example.yml', documents: documentsOf(parts) }]);
  const options = { version: 'dev', extraLabels: new Map([['cmd', 'examplesgen.sh']]) };
  return {
    groups: files.flatMap(({ objectives }) => objectives.flatMap((objective) => generateRules(objective, options))),
    problems: files.flatMap(({ problems }) => problems.map(({ message }) => message)),
  };
}
const plain = (groups: readonly GeneratedGroup[]) =>
  groups.map(({ name, rules }) => ({
    name,
    rules: rules.map(({ labels, annotations, ...rest }) => ({
      ...{ ...rest, labels: Object.fromEntries(labels) },
      ...(annotations ? { annotations: Object.fromEntries(annotations) } : {}),
    })),
  }));
const plainOf = (node: YamlNode): unknown =>
  node.kind === 'map'
    ? Object.fromEntries(node.entries.map(({ key, value }) => [key.text, plainOf(value)]))
    : node.kind === 'list'
      ? node.items.map(plainOf)
      : node.text;

describe("Sloth's examples", () => {
  it.each(Object.keys(fixture.examples))('%s gives the rules Sloth gives', (name) => {
    const { input, expected } = fixture.examples[name] as Fixture['examples'][string];
    const wanted = expected.flatMap((each) => ('spec' in each ? each.spec : each).groups);
    const { groups, problems } = generated(input);
    expect(problems).toEqual([]);
    expect(plain(groups)).toEqual(wanted);
    // And so does what is printed of it, read again.
    const printed = parseYaml(printRules(groups, ['x']));
    expect(printed.faults).toEqual([]);
    expect(plainOf(printed.root as YamlNode)).toEqual({ groups: wanted });
  });
  it.each(fixture.burnRateVectors.map((vector) => [vector.periodDays, vector] as const))('burn rates of %i days', (days, vector) => {
    const windows = windowsOf(days * DAY_MS) ?? [];
    for (const severity of ['page', 'ticket'] as const) {
      const own = windows.filter((window) => window.severity === severity);
      expect(own.map(({ shortMs, longMs, factor }) => [promDuration(shortMs), promDuration(longMs), factor])).toEqual(vector[severity]);
    }
  });
  it('windows are those of its catalogues, read from their files', () => {
    for (const [file, content] of Object.entries(fixture.windows)) {
      const days = Number(/(\d+)d/.exec(file)?.[1]);
      const example = fixture.examples['getting-started']?.input[0];
      const read = readSlos([{ file, documents: documentsOf([content, example]) }], { periodMs: days * DAY_MS });
      expect(read.flatMap(({ problems }) => problems)).toEqual([]);
      const windows = read[0]?.objectives[0]?.windows;
      if (file.includes('custom')) expect(windows?.[0]).toMatchObject({ shortMs: 120_000, longMs: 1_800_000, factor: 14.4 });
      else expect(windows).toEqual(windowsOf(days * DAY_MS));
    }
  });
});

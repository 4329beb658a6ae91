import type { YamlDocument, YamlMap, YamlNode, YamlScalar } from '#query/rules/yaml-node.ts';
import { type GenerateOptions, generateRules } from './generate-rules.ts';
import type { Objective } from './objective.ts';

/** Generated rules as the document a rule file would be, so that they are read and checked as any others; places are the objectives'. */
export function ruleDocument(objectives: readonly Objective[], options: GenerateOptions): YamlDocument {
  const groups = objectives.flatMap((objective) => {
    const { line, column } = objective;
    const at = { line, column };
    const scalar = (text: string): YamlScalar => ({ kind: 'scalar', tag: '!!str', text, ...at });
    const map = (entries: readonly (readonly [string, YamlNode])[]): YamlMap => ({
      ...{ kind: 'map', entries: entries.map(([key, value]) => ({ key: scalar(key), value })), ...at },
    });
    const list = (items: readonly YamlNode[]): YamlNode => ({ kind: 'list', items, ...at });
    const texts = (labels: ReadonlyMap<string, string>): YamlMap => map([...labels].map(([key, value]) => [key, scalar(value)]));
    return generateRules(objective, options).map(({ name, rules }) =>
      map([
        ['name', scalar(name)],
        [
          'rules',
          list(
            rules.map(({ labels, annotations, ...rest }) =>
              map([
                ...Object.entries(rest).map(([key, value]) => [key, scalar(value)] as const),
                ['labels', texts(labels)],
                ...(annotations ? [['annotations', texts(annotations)] as const] : []),
              ]),
            ),
          ),
        ],
      ]),
    );
  });
  const top = { line: 1, column: 1 };
  const key: YamlScalar = { kind: 'scalar', tag: '!!str', text: 'groups', ...top };
  return { root: { kind: 'map', entries: [{ key, value: { kind: 'list', items: groups, ...top } }], ...top }, faults: [] };
}

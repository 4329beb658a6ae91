import { stringify } from 'yaml';
import type { GeneratedGroup } from '#query/slo/generate-rules.ts';

/** A Prometheus rule file as Sloth lays it out: keys in its order, labels sorted, expressions of several lines as blocks. */
export function printRules(groups: readonly GeneratedGroup[], header: readonly string[]): string {
  const document = {
    groups: groups.map(({ name, rules }) => ({
      name,
      rules: rules.map(({ record, alert, expr, for: held, labels, annotations }) => ({
        ...(record === undefined ? {} : { record }),
        ...(alert === undefined ? {} : { alert }),
        expr,
        ...(held === undefined ? {} : { for: held }),
        labels: sorted(labels),
        ...(annotations && annotations.size > 0 ? { annotations: sorted(annotations) } : {}),
      })),
    })),
  };
  const text = stringify(document, { indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' });
  return `${['---', ...header.map((line) => `# ${line}`), '', ''].join('\n')}${text}`;
}
const sorted = (map: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

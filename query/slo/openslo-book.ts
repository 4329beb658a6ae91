import type { YamlNode } from '#query/rules/yaml-node.ts';
import { entryOf, type SloReader, textOf } from './slo-reader.ts';

const KINDS = ['SLI', 'AlertPolicy', 'AlertCondition', 'AlertNotificationTarget', 'Service', 'DataSource'] as const;
export type PartKind = (typeof KINDS)[number];

/** Documents of OpenSLO that SLOs refer to by name. */
export class OpenSloBook {
  private readonly parts = new Map<string, { readonly reader: SloReader; readonly node: YamlNode }>();

  /** @returns whether the document is such a part */
  take(reader: SloReader, root: YamlNode): boolean {
    const kind = textOf(entryOf(root, 'kind'));
    if (textOf(entryOf(root, 'apiVersion')) !== 'openslo/v1' || !KINDS.includes(kind as PartKind)) return false;
    const nameAt = entryOf(entryOf(root, 'metadata'), 'name');
    const name = reader.name(nameAt, root, kind, 'metadata.name');
    if (name === null) return true;
    const key = `${kind} ${name}`;
    if (this.parts.has(key)) reader.issue(nameAt ?? root, kind, `${name} is defined twice`);
    else this.parts.set(key, { reader, node: root });
    return true;
  }
  find(kind: PartKind, name: string): YamlNode | null {
    return this.parts.get(`${kind} ${name}`)?.node ?? null;
  }
}

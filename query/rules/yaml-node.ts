/** A YAML document as rule files need it: what stands where, aliases and merges already resolved. Lines and columns begin at 1. */
interface At {
  readonly line: number;
  readonly column: number;
}
export interface YamlScalar extends At {
  readonly kind: 'scalar';
  /** As written, without quotes. */
  readonly text: string;
  /** In quotes, or as a block: always a text. */
  readonly isQuoted?: boolean;
  readonly tag: '!!str' | '!!int' | '!!float' | '!!bool' | '!!null' | '!!timestamp';
}
export interface YamlMap extends At {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: YamlScalar; readonly value: YamlNode }[];
}
export interface YamlList extends At {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}
export type YamlNode = YamlScalar | YamlMap | YamlList;
/** A document that is none has only faults. */
export interface YamlDocument {
  readonly root: YamlNode | null;
  readonly faults: readonly (At & { readonly message: string })[];
}

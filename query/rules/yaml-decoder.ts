import { parseGoDuration } from './model-duration.ts';
import type { YamlDocument, YamlNode } from './yaml-node.ts';

export interface YamlFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
/** Entries of a map by key, those that are asked for. */
export type Fields = ReadonlyMap<string, YamlNode>;

const TAGS = { map: '!!map', list: '!!seq' } as const;
const shown = (text: string): string => (text.length > 10 ? `${text.slice(0, 7)}...` : text);

/** Reads nodes into what is wanted, in the words of Go's yaml package where they are something else; goes on after each fault. */
export class YamlDecoder {
  readonly faults: YamlFault[] = [];

  constructor(document: Pick<YamlDocument, 'faults'> = { faults: [] }) {
    this.faults.push(...document.faults);
  }
  fault({ line, column }: Pick<YamlNode, 'line' | 'column'>, message: string): void {
    this.faults.push({ line, column, message });
  }
  private mismatch(node: YamlNode, wanted: string): void {
    const what = node.kind === 'scalar' ? `${node.tag} \`${shown(node.text)}\`` : TAGS[node.kind];
    this.fault(node, `cannot unmarshal ${what} into ${wanted}`);
  }
  /** @param type Go's name of it, for the faults; @param known null: any key */
  map(node: YamlNode | undefined, type: string, known: readonly string[] | null): Fields {
    const fields = new Map<string, YamlNode>();
    if (!node || isNull(node)) return fields;
    if (node.kind !== 'map') {
      this.mismatch(node, type);
      return fields;
    }
    for (const { key, value } of node.entries) {
      if (known && !known.includes(key.text)) this.fault(key, `field ${key.text} not found in type ${type}`);
      else fields.set(key.text, value);
    }
    return fields;
  }
  list(node: YamlNode | undefined, type: string): readonly YamlNode[] {
    if (!node || isNull(node)) return [];
    if (node.kind === 'list') return node.items;
    this.mismatch(node, `[]${type}`);
    return [];
  }
  text(node: YamlNode | undefined): string {
    if (!node || isNull(node)) return '';
    if (node.kind === 'scalar') return node.text;
    this.mismatch(node, 'string');
    return '';
  }
  texts(node: YamlNode | undefined): ReadonlyMap<string, string> {
    return new Map([...this.map(node, 'map[string]string', null)].map(([key, value]) => [key, this.text(value)]));
  }
  /** @param type Go's, for the faults; an unsigned one takes no sign */
  integer(node: YamlNode | undefined, type: 'int' | 'uint64' = 'int'): number {
    if (!node || isNull(node)) return 0;
    if (node.kind === 'scalar' && node.tag === '!!int' && !(type === 'uint64' && node.text.startsWith('-')))
      return Number(node.text.replaceAll('_', ''));
    this.mismatch(node, type);
    return 0;
  }
  float(node: YamlNode | undefined): number {
    if (!node || isNull(node)) return 0;
    if (node.kind === 'scalar' && (node.tag === '!!int' || node.tag === '!!float')) return floatOf(node.text);
    this.mismatch(node, 'float64');
    return 0;
  }
  boolean(node: YamlNode | undefined): boolean {
    if (!node || isNull(node)) return false;
    // Yes and no are words of YAML 1.1, which Go's package takes where a bool is wanted.
    if (node.kind === 'scalar' && !node.isQuoted) {
      if (/^(?:true|y|yes|on)$/i.test(node.text)) return true;
      if (/^(?:false|n|no|off)$/i.test(node.text)) return false;
    }
    this.mismatch(node, 'bool');
    return false;
  }
  /** Milliseconds; null: not said. */
  duration(node: YamlNode | undefined): number | null {
    if (!node || isNull(node)) return null;
    const text = this.text(node);
    const ms = parseGoDuration(text);
    if (typeof ms === 'number') return ms;
    this.fault(node, ms);
    return null;
  }
}
export const isNull = (node: YamlNode): boolean => node.kind === 'scalar' && node.tag === '!!null';
function floatOf(text: string): number {
  const special = /^([+-]?)\.?(inf|nan)$/i.exec(text);
  if (!special) return Number(text.replaceAll('_', ''));
  if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
/** As Go's yaml package says them all at once. */
export const printFaults = (faults: readonly YamlFault[]): string =>
  `yaml: unmarshal errors:\n${[...faults]
    .sort((a, b) => a.line - b.line)
    .map(({ line, message }) => `  line ${line}: ${message}`)
    .join('\n')}`;

import { type Fields, YamlDecoder } from '#query/rules/yaml-decoder.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import type { SloProblem } from './objective.ts';
import { queryFault } from './query-template.ts';

/** Sloth's: begins and ends with a letter or digit. */
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const MAX_NAME = 250;
const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ...{ s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 },
};

/** Reads one document, noting what is wrong with its place. */
export class SloReader {
  readonly problems: SloProblem[] = [];
  readonly file: string;
  private readonly decoder = new YamlDecoder();

  constructor(file: string) {
    this.file = file;
  }
  /** @param about name of what is wrong; '': the file */
  issue({ line, column }: Pick<YamlNode, 'line' | 'column'>, about: string, says: string): void {
    const what = about === '' ? '' : `${about}: `;
    this.problems.push({ file: this.file, line, column, message: `${line}:${column}: ${what}${says}` });
  }
  /** Entries of a map; keys nobody knows are told and left out. */
  map(node: YamlNode | undefined, type: string, known: readonly string[] | null): Fields {
    return this.told(() => this.decoder.map(node, type, known));
  }
  list(node: YamlNode | undefined, type: string): readonly YamlNode[] {
    return this.told(() => this.decoder.list(node, type));
  }
  text(node: YamlNode | undefined): string {
    return this.told(() => this.decoder.text(node));
  }
  texts(node: YamlNode | undefined): ReadonlyMap<string, string> {
    return this.told(() => this.decoder.texts(node));
  }
  boolean(node: YamlNode | undefined): boolean {
    return this.told(() => this.decoder.boolean(node));
  }
  /** @returns null: not said */
  number(node: YamlNode | undefined): number | null {
    const missing = !node || (node.kind === 'scalar' && node.tag === '!!null');
    return missing ? null : this.told(() => this.decoder.float(node));
  }
  /** OpenSLO's shorthand: 5m, 4w, 30d. @returns null: not said, or wrong, which is told */
  duration(node: YamlNode | undefined, about: string, bare = ''): number | null {
    if (!node) return null;
    const text = this.text(node);
    const found = /^(\d{1,6})([smhdw])?$/.exec(text);
    const unit = found?.[2] ?? bare;
    const ms = Number(found?.[1]) * (DURATION_UNITS_MS[unit] ?? Number.NaN);
    if (ms > 0) return ms;
    const hint = /^\d+[MQyY]$/.test(text) ? ': months, quarters and years have no fixed length' : '';
    this.issue(node, about, `${JSON.stringify(text.slice(0, 40))} is not a length of time such as 5m, 24h, 30d or 4w${hint}`);
    return null;
  }
  name(node: YamlNode | undefined, parent: YamlNode, about: string, what: string): string | null {
    const text = this.text(node);
    if (NAME.test(text) && text.length <= MAX_NAME) return text;
    const says =
      text === ''
        ? `${what} is required`
        : `${what} ${JSON.stringify(text.slice(0, 60))} must begin and end with a letter or digit and hold only these, '.', '_' and '-'`;
    this.issue(node ?? parent, about, says);
    return null;
  }
  /** A query with {{.window}}. @returns null: it is wrong, which is told */
  query(node: YamlNode | undefined, parent: YamlNode, about: string, what: string, isPromql = true): string | null {
    const text = this.text(node);
    const fault = queryFault(text, isPromql);
    if (fault === '') return text;
    this.issue(node ?? parent, about, `${what}: ${fault}`);
    return null;
  }
  labels(node: YamlNode | undefined, about: string): ReadonlyMap<string, string> {
    const labels = new Map(this.texts(node));
    for (const [name, value] of labels) {
      if (name !== '' && name !== '__name__' && !/[\ud800-\udfff]/u.test(name + value)) continue;
      this.issue(node as YamlNode, about, `invalid label name: ${name}`);
      labels.delete(name);
    }
    return labels;
  }
  private told<T>(read: () => T): T {
    const value = read();
    for (const fault of this.decoder.faults.splice(0)) this.issue(fault, '', fault.message);
    return value;
  }
}
/** The entry of a map node. */
export function entryOf(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'map' ? node.entries.find((each) => each.key.text === key)?.value : undefined;
}
export function textOf(node: YamlNode | undefined): string {
  return node?.kind === 'scalar' ? node.text : '';
}

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import type { YamlDocument, YamlMap, YamlNode, YamlScalar } from '#query/rules/yaml-node.ts';

/** Nodes of one document, aliases counted each time: a few lines of them may stand for millions. */
const MAX_NODES = 300_000;
const MAX_DEPTH = 100;

const OPTIONS = { prettyErrors: false, merge: true, uniqueKeys: false, keepSourceTokens: false } as const;

/** Reads YAML as far as rule files use it: the first document, with places, aliases and merge keys resolved. */
export function parseYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  return read(parseDocument(text, { ...OPTIONS, lineCounter: lines }), lines);
}
/** All documents of a file. */
export function parseYamlDocuments(text: string): YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...OPTIONS, lineCounter: lines });
  return Array.isArray(documents) ? documents.map((document) => read(document, lines)) : [];
}
function read(document: Document.Parsed, lines: LineCounter): YamlDocument {
  const faults = document.errors.map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0]);
    return { line, column: col, message };
  });
  // Several documents: Prometheus reads the first, and so is there nothing wrong with it.
  const own = faults.filter(({ message }) => !message.startsWith('Source contains multiple documents'));
  if (own.length > 0 || document.contents === null) return { root: null, faults: own };
  const reader = new NodeReader(document, lines);
  const root = reader.read(document.contents as Node, 0);
  return { root, faults: reader.faults };
}

class NodeReader {
  readonly faults: { line: number; column: number; message: string }[] = [];
  /** The package's own look-up goes through the document for each alias: 50,000 of them took minutes. */
  private readonly targets: ReadonlyMap<Alias, Node>;
  private readonly lines: LineCounter;
  private count = 0;

  constructor(document: Document.Parsed | Document, lines: LineCounter) {
    this.targets = targetsOf(document);
    this.lines = lines;
  }
  private place(node: Node): { line: number; column: number } {
    const { line, col } = this.lines.linePos(node.range?.[0] ?? 0);
    return { line, column: col };
  }
  private none(node: Node): YamlScalar {
    return { kind: 'scalar', text: '', tag: '!!null', ...this.place(node) };
  }
  read(node: Node, depth: number): YamlNode {
    const place = this.place(node);
    if (++this.count > MAX_NODES || depth > MAX_DEPTH) {
      const message = depth > MAX_DEPTH ? `nested more than ${MAX_DEPTH} deep` : `more than ${MAX_NODES} nodes`;
      if (this.faults.length === 0) this.faults.push({ ...place, message });
      return this.none(node);
    }
    if (isAlias(node)) {
      const target = this.targets.get(node);
      if (target) return { ...this.read(target, depth + 1), ...place };
      this.faults.push({ ...place, message: `unknown anchor '${node.source}' referenced` });
      return this.none(node);
    }
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.read(item as Node, depth + 1)), ...place };
    if (isMap(node)) return this.map(node, depth);
    return isScalar(node) ? { ...scalarOf(node), ...place } : this.none(node);
  }
  private map(node: Extract<Node, { items: unknown[] }>, depth: number): YamlMap {
    const place = this.place(node);
    const own = new Map<string, YamlMap['entries'][number]>();
    const merged: YamlMap['entries'][number][] = [];
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      const key = this.read(pair.key as Node, depth + 1);
      const value = pair.value ? this.read(pair.value as Node, depth + 1) : { ...this.none(pair.key as Node) };
      if (key.kind !== 'scalar') this.faults.push({ line: key.line, column: key.column, message: 'a key must be a text' });
      else if (key.text === '<<') merged.push(...[...mapsIn(value)].flatMap(({ entries }) => entries));
      else if (own.has(key.text)) {
        const first = own.get(key.text) as YamlMap['entries'][number];
        this.faults.push({
          line: key.line,
          column: key.column,
          message: `mapping key ${JSON.stringify(key.text)} already defined at line ${first.key.line}`,
        });
      } else own.set(key.text, { key, value });
    }
    for (const entry of merged) if (!own.has(entry.key.text)) own.set(entry.key.text, entry);
    return { kind: 'map', entries: [...own.values()], ...place };
  }
}
/** What each alias stands for: the last node before it with its anchor. */
function targetsOf(document: Document.Parsed | Document): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) targets.set(node, target);
      } else if (node.anchor) anchors.set(node.anchor, node);
    },
  });
  return targets;
}
/** What a merge key brings: a map, or a list of them. */
function* mapsIn(node: YamlNode): Iterable<YamlMap> {
  if (node.kind === 'map') yield node;
  else if (node.kind === 'list') for (const item of node.items) yield* mapsIn(item);
}
function scalarOf(node: Scalar): Pick<YamlScalar, 'kind' | 'text' | 'tag' | 'isQuoted'> {
  const { value, source } = node;
  if (node.type !== 'PLAIN') return { kind: 'scalar', text: String(value ?? ''), tag: '!!str', isQuoted: true };
  const text = source ?? String(value ?? '');
  if (value === null) return { kind: 'scalar', text, tag: '!!null' };
  if (typeof value === 'boolean') return { kind: 'scalar', text, tag: '!!bool' };
  if (typeof value === 'number' || typeof value === 'bigint')
    return { kind: 'scalar', text, tag: /^[+-]?[\d_]+$|^0[xo]/.test(text) ? '!!int' : '!!float' };
  return { kind: 'scalar', text, tag: /^\d{4}-\d\d?-\d\d?(?:[Tt ].*)?$/.test(text) ? '!!timestamp' : '!!str' };
}

import type { YamlDocument, YamlNode } from '#query/rules/yaml-node.ts';
import { type BurnWindow, burnFactor, DEFAULT_PERIOD_MS } from './burn-windows.ts';
import type { Objective, SloFile, SloProblem } from './objective.ts';
import { OpenSloBook } from './openslo-book.ts';
import { readOpenSlo } from './read-openslo.ts';
import { readSloth } from './read-sloth.ts';
import { entryOf, SloReader, textOf } from './slo-reader.ts';

/** Objectives of one file and of all together; an SLO makes about 17 rules. */
const MAX_DOCUMENTS = 1_000;
export const MAX_OBJECTIVES = 1_000;

export interface SloSource {
  readonly file: string;
  readonly documents: readonly YamlDocument[];
}
export interface ReadOptions {
  /** Of Sloth's files, which do not say it: 30d where nothing is said. */
  readonly periodMs?: number;
}
type Part = readonly [reader: SloReader, root: YamlNode];

/**
 * Files of Sloth (prometheus/v1, PrometheusServiceLevel, AlertWindows) and OpenSLO (v1, v1alpha), together: parts of OpenSLO may stand in
 * different files. What is wrong is told with its place and left out, the rest holds.
 */
export function readSlos(sources: readonly SloSource[], { periodMs = DEFAULT_PERIOD_MS }: ReadOptions = {}): SloFile[] {
  const book = new OpenSloBook();
  const windows = new Map<number, readonly BurnWindow[]>();
  const files = sources.map(({ file, documents }) => {
    const reader = new SloReader(file);
    const parts: Part[] = [];
    for (const { root, faults } of documents.slice(0, MAX_DOCUMENTS)) {
      for (const fault of faults) reader.issue(fault, '', fault.message);
      if (root && faults.length === 0) parts.push([reader, root]);
    }
    if (documents.length > MAX_DOCUMENTS) reader.issue({ line: 1, column: 1 }, '', `more than ${MAX_DOCUMENTS} documents in a file`);
    return { reader, parts };
  });
  const slos = files.map(({ reader, parts }) => ({
    reader,
    parts: parts.filter((part) => !(takeWindows(part, windows) || book.take(part[0], part[1]))),
  }));
  const seen = new Map<string, Objective>();
  return slos.map(({ reader, parts }) => {
    const found = parts.flatMap(([, root]) => readDocument(reader, root, { periodMs, windows }, book));
    const objectives = found.filter((objective) => isNew(objective, seen, reader));
    return { file: reader.file, objectives, problems: inOrder(reader.problems) };
  });
}
function readDocument(reader: SloReader, root: YamlNode, options: Parameters<typeof readSloth>[3], book: OpenSloBook): Objective[] {
  const [version, apiVersion, kind] = ['version', 'apiVersion', 'kind'].map((key) => textOf(entryOf(root, key))) as [
    string,
    string,
    string,
  ];
  if (version === 'prometheus/v1') return readSloth(reader, root, false, options);
  if (apiVersion === 'sloth.slok.dev/v1' && kind === 'PrometheusServiceLevel') {
    const spec = entryOf(root, 'spec');
    if (spec) return readSloth(reader, spec, true, options);
    reader.issue(root, '', 'spec is required');
    return [];
  }
  if (apiVersion.startsWith('openslo/')) return readOpenSlo(reader, root, apiVersion, book);
  const at = entryOf(root, 'version') ?? entryOf(root, 'apiVersion') ?? root;
  const says =
    version || apiVersion ? `${JSON.stringify((version || apiVersion).slice(0, 60))} ${JSON.stringify(kind.slice(0, 60))}` : 'this';
  reader.issue(at, '', `${says} is neither Sloth (version: prometheus/v1, sloth.slok.dev/v1) nor OpenSLO (openslo/v1, openslo/v1alpha)`);
  return [];
}
function isNew(objective: Objective, seen: Map<string, Objective>, reader: SloReader): boolean {
  const { id, name } = objective;
  const first = seen.get(id);
  if (!first && seen.size < MAX_OBJECTIVES) {
    seen.set(id, objective);
    return true;
  }
  const says = first ? `${id} is defined already, in ${first.file}:${first.line}` : `more than ${MAX_OBJECTIVES} objectives`;
  reader.issue(objective, `slo ${JSON.stringify(name)}`, says);
  return false;
}
const inOrder = (problems: readonly SloProblem[]): SloProblem[] => [...problems].sort((a, b) => a.line - b.line || a.column - b.column);

/** Sloth's AlertWindows: other windows for a period. @returns whether the document is one */
function takeWindows([reader, root]: Part, into: Map<number, readonly BurnWindow[]>): boolean {
  if (textOf(entryOf(root, 'kind')) !== 'AlertWindows' || textOf(entryOf(root, 'apiVersion')) !== 'sloth.slok.dev/v1') return false;
  const spec = entryOf(root, 'spec');
  const periodMs = reader.duration(entryOf(spec, 'sloPeriod') ?? root, 'sloPeriod');
  const windows = (['page', 'ticket'] as const).flatMap((severity) =>
    (['quick', 'slow'] as const).flatMap((speed): BurnWindow[] => {
      const node = entryOf(entryOf(spec, severity), speed);
      const about = `${severity}.${speed}`;
      const budgetPercent = reader.number(entryOf(node, 'errorBudgetPercent')) ?? 0;
      const shortMs = reader.duration(entryOf(node, 'shortWindow') ?? root, `${about}.shortWindow`);
      const longMs = reader.duration(entryOf(node, 'longWindow') ?? root, `${about}.longWindow`);
      if (budgetPercent <= 0 || budgetPercent > 100)
        reader.issue(node ?? root, about, 'errorBudgetPercent must be above 0 and at most 100');
      if (!periodMs || !shortMs || !longMs || budgetPercent <= 0) return [];
      return [{ severity, speed, shortMs, longMs, budgetPercent, factor: burnFactor(budgetPercent, periodMs, longMs) }];
    }),
  );
  if (periodMs && windows.length === 4) into.set(periodMs, windows);
  return true;
}

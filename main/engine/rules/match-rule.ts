import type { SeriesRow } from '#contracts/columns.ts';
import { globOf } from '#contracts/glob.ts';
import { keepBelow, type RuleMatch, type SEVERITIES, spread, type VolumeRule } from '#contracts/volume-rules.ts';

type Severity = (typeof SEVERITIES)[number];
/** Says whether a text is meant; the answer for a text seen before is remembered. */
type TextTest = (text: string) => boolean;
const MAX_REMEMBERED = 10_000;

export function textTest(pattern: string | undefined): TextTest {
  if (pattern === undefined) return () => true;
  if (!pattern.includes('*')) return (text) => text === pattern;
  const glob = globOf(pattern);
  const known = new Map<string, boolean>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) {
      found = glob.test(text);
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(text, found);
    }
    return found;
  };
}
/** A rule with its texts compiled. */
export interface CompiledRule {
  readonly rule: VolumeRule;
  readonly source: TextTest;
  readonly service: TextTest;
  readonly name: TextTest;
  readonly labels: readonly { readonly key: string; readonly test: TextTest }[];
  readonly status: number | null;
  readonly severity: Severity | null;
  readonly pattern: string | null;
  /** Kept by `sample`: a hash below this. 2^32 for any other action. */
  readonly below: number;
}
const STATUS = { unset: 0, ok: 1, error: 2 } as const;
const nameOf = ({ metric, span }: RuleMatch): string | undefined => metric ?? span;
export function compileRule(rule: VolumeRule): CompiledRule {
  const { match, action } = rule;
  return {
    rule,
    source: textTest(match.source),
    service: textTest(match.service),
    name: textTest(nameOf(match)),
    labels: (match.labels ?? []).map(({ key, op, value }) => {
      const test = textTest(value);
      return { key, test: op === '=' ? test : (text) => !test(text) };
    }),
    status: match.status === undefined ? null : STATUS[match.status],
    severity: match.severity ?? null,
    pattern: match.pattern ?? null,
    below: action.kind === 'sample' ? keepBelow(action.keepOneIn) : 2 ** 32,
  };
}
export function matchesSeries(rule: CompiledRule, source: string, row: Pick<SeriesRow, 'metric' | 'service' | 'attributes'>): boolean {
  if (!rule.source(source) || !rule.name(row.metric) || !rule.service(row.service)) return false;
  return rule.labels.every(({ key, test }) => test(row.attributes.values[row.attributes.keys.indexOf(key)] ?? ''));
}

/** As store/sql/read/expressions.ts severityClass. */
export function severityOf(number: number, text: string): Severity {
  if (number >= 21) return 'fatal';
  if (number >= 17) return 'error';
  if (number >= 13) return 'warn';
  if (number >= 9) return 'info';
  if (number >= 1) return 'debug';
  const low = text.toLowerCase();
  const begins = (...words: readonly string[]): boolean => words.some((word) => low.startsWith(word));
  if (begins('fatal', 'crit')) return 'fatal';
  if (begins('err')) return 'error';
  if (begins('warn')) return 'warn';
  return begins('debug', 'trace') ? 'debug' : 'info';
}
const CHARACTERS = 240;
const VARYING = /[^\t\n\f\r =:,;()[\]{}"']*[0-9][^\t\n\f\r =:,;()[\]{}"']*/g;
/** As store/sql/read/expressions.ts logShape. */
export function logShapeOf(body: string): string {
  const end = body.indexOf('\n');
  const line = end < 0 ? body : body.slice(0, end);
  const cut =
    line.length <= CHARACTERS
      ? line
      : Array.from(line.slice(0, CHARACTERS * 2))
          .slice(0, CHARACTERS)
          .join('');
  return cut.replace(VARYING, '<*>');
}

/** Hash of a trace id by its last four bytes, which every generator fills. @param data ids in wire order */
export const traceHash = (data: Uint8Array, row: number): number => {
  const at = row * 16 + 12;
  return spread(
    ((data[at] as number) << 24) | ((data[at + 1] as number) << 16) | ((data[at + 2] as number) << 8) | (data[at + 3] as number),
  );
};
/** Hash of a time, as its two halves. */
export const timeHash = (low: number, high: number): number => spread(low ^ high);

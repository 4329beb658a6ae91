import type { Candidate, Evidence, Incident, TimelineEntry } from '#contracts/judgement.ts';
import type { Block, Chart, Figure, Inline, PostmortemDocument } from '#contracts/postmortem.ts';
import { bullets, chart, codeBlock, heading, inline, link, paragraph, paragraphOf, prompt, strong, table } from './nodes.ts';
import { type Locale, type Piece, type ServiceImpact, type Words, wordsOf } from './words.ts';

/** Value and baseline of one statement; null: it has none. */
export interface FigurePair {
  readonly value: Figure | null;
  readonly baseline: Figure | null;
}
export interface DraftFacts {
  readonly incident: Incident;
  readonly locale: Locale;
  readonly authors: string;
  /** The service of the symptom first. */
  readonly impact: readonly ServiceImpact[];
  readonly spans: {
    readonly detect: Figure | null;
    readonly acknowledge: Figure | null;
    readonly duration: Figure | null;
    readonly services: Figure | null;
  };
  /** By `${candidate rank}/${evidence id}`. */
  readonly evidence: ReadonlyMap<string, FigurePair>;
  /** By index in incident.timeline. */
  readonly entries: ReadonlyMap<number, FigurePair>;
  /** By `${candidate rank}/${evidence id}`; evidence without one has none. */
  readonly charts: ReadonlyMap<string, Chart>;
  /** Further lines of the impact, such as cost and emissions, each with its calculation ('' for none). */
  readonly also: readonly { readonly pieces: readonly Piece[]; readonly formula: string }[];
  /** Names of cause kinds and sentences of evidence in the locale. */
  readonly sayKind: (kind: Candidate['kind']) => string;
  readonly sayEvidence: (evidence: Evidence) => string;
}
const CANDIDATES = 3;
const ENTRIES = 40;
/** Deviations told from the onset on, and how much before it: the many that follow say nothing new. */
const ANOMALIES = 6;
const BEFORE_ONSET_MS = 120_000;
const LINK_MARGIN_MS = 300_000;

export const evidenceKey = (candidate: Pick<Candidate, 'rank'>, evidence: Pick<Evidence, 'id'>): string =>
  `${candidate.rank}/${evidence.id}`;
/** Candidates a draft speaks of: those with a role of their own first. */
export const draftCandidates = (incident: Incident): readonly Candidate[] => (incident.rca?.candidates ?? []).slice(0, CANDIDATES);
/** Indices of the timeline entries a draft tells. */
export function draftEntries(incident: Incident): readonly number[] {
  let anomalies = 0;
  return incident.timeline
    .map((entry, index) => ({ entry, index }))
    .filter(
      ({ entry }) =>
        (entry.kind !== 'anomaly' && entry.kind !== 'log') ||
        (entry.atMs >= incident.onsetMs - BEFORE_ONSET_MS && ++anomalies <= ANOMALIES),
    )
    .slice(0, ENTRIES)
    .map(({ index }) => index);
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
const day = (atMs: number): string => iso(atMs).slice(0, 10);
const clock = (atMs: number): string => iso(atMs).slice(11, 19);
const stamp = (atMs: number): string => `${day(atMs)} ${clock(atMs).slice(0, 5)}`;

function titleOf({ incident, sayKind }: DraftFacts, words: Words): string {
  const first = incident.rca?.candidates[0];
  const { service, kind } = incident.symptom;
  const title =
    first && incident.rca?.verdict !== 'inconclusive' && first.kind !== 'unknown'
      ? words.titleOfCause(sayKind(first.kind), first.service, service, day(incident.onsetMs))
      : words.title(words.symptom[kind] ?? kind, service, day(incident.onsetMs));
  return title.slice(0, 300);
}
function leadOf({ incident, sayKind }: DraftFacts, words: Words): string {
  const first = incident.rca?.candidates[0];
  return first && incident.rca ? words.lead[incident.rca.verdict](sayKind(first.kind), first.service) : words.text.noCandidate;
}
function periodOf(incident: Incident, words: Words): string {
  if (incident.resolvedMs === null) return words.ongoing(stamp(incident.onsetMs));
  const end = day(incident.resolvedMs) === day(incident.onsetMs) ? stamp(incident.resolvedMs).slice(11) : stamp(incident.resolvedMs);
  return words.period(stamp(incident.onsetMs), end);
}
function summary(facts: DraftFacts, words: Words): Block[] {
  const { incident, spans, impact } = facts;
  const happened = words.happened(periodOf(incident, words), spans.duration, impact[0] ?? null);
  return [paragraph(...happened), paragraph(leadOf(facts, words)), prompt(words.prompt.summary)];
}
function impactOf({ impact, spans, also }: DraftFacts, words: Words): Block[] {
  const { column } = words;
  const change = (before: Figure, during: Figure): Inline[] => inline([before, ' → ', during]);
  const rows = impact.map((one) => [
    strong(one.service),
    inline([one.requests]),
    inline([one.errors]),
    change(one.errorRatioBefore, one.errorRatio),
    change(one.p95Before, one.p95),
  ]);
  return [
    ...(spans.services ? [paragraph(...words.affected(spans.services))] : []),
    ...(rows.length > 0 ? [table([column.service, column.requests, column.errors, column.ratio, column.p95], rows)] : []),
    ...also.flatMap(({ pieces, formula }) => [paragraph(...pieces), ...(formula === '' ? [] : [codeBlock(formula)])]),
    prompt(words.prompt.impact),
  ];
}

const isChange = (evidence: Evidence): boolean => evidence.signal === 'change';
/**
 * A sentence with its figures in the place of the numbers it was written with. Where they cannot be found the figures
 * follow it: a number that no statement gives is not repeated.
 */
export function bindSentence(says: string, params: Evidence['params'], { value, baseline }: FigurePair): readonly Piece[] {
  const [from, to] = [String(params['from'] ?? ''), String(params['to'] ?? '')];
  const change = `${from} → ${to}`;
  if (value && baseline && from !== '' && to !== '' && says.includes(change)) {
    const at = says.lastIndexOf(change);
    return [says.slice(0, at), baseline, ' → ', value, says.slice(at + change.length)];
  }
  if (value && !baseline && to !== '' && says.split(to).length === 2) {
    const at = says.indexOf(to);
    return [says.slice(0, at), value, says.slice(at + to.length)];
  }
  const end = says.replace(/[.。]\s*$/, '');
  if (!value) return [says];
  return baseline ? [end, ': ', baseline, ' → ', value] : [end, ': ', value];
}
function evidenceLine(evidence: Evidence, pair: FigurePair, facts: DraftFacts, words: Words): readonly Piece[] {
  const own = words.evidence[evidence.messageKey]?.(evidence.params);
  if (own === undefined) return bindSentence(facts.sayEvidence(evidence), evidence.params, pair);
  if (isChange(evidence)) return pair.value ? [own, words.text.firstSeen, pair.value] : [own];
  if (!pair.value) return [own];
  return pair.baseline ? [own, ': ', pair.baseline, ' → ', pair.value] : [own, ': ', pair.value];
}
function causes(facts: DraftFacts, words: Words): Block[] {
  const { incident } = facts;
  const blocks: Block[] = [paragraph(leadOf(facts, words))];
  if (incident.rca) blocks.push(paragraph(words.verdict[incident.rca.verdict]));
  for (const candidate of draftCandidates(incident)) {
    blocks.push(heading(3, `${candidate.service}: ${facts.sayKind(candidate.kind)} (${words.role[candidate.role]})`));
    const lines = candidate.evidence.map((evidence) => {
      const pair = facts.evidence.get(evidenceKey(candidate, evidence)) ?? { value: null, baseline: null };
      return paragraph(...evidenceLine(evidence, pair, facts, words));
    });
    blocks.push(...bullets(lines));
    for (const evidence of candidate.evidence) {
      const drawn = facts.charts.get(evidenceKey(candidate, evidence));
      if (drawn) blocks.push(chart(drawn));
    }
  }
  const impacted = incident.rca?.impacted.slice(0, 20) ?? [];
  if (impacted.length > 0) blocks.push(paragraph(words.text.impacted, impacted.join(', '), words.text.stop));
  return [...blocks, prompt(words.prompt.causes)];
}

/** Where the console shows the moment: the log screen for logs, traces of the service otherwise. */
function screenOf(entry: TimelineEntry): string {
  const window = `from=${entry.atMs - LINK_MARGIN_MS}&to=${entry.atMs + LINK_MARGIN_MS}`;
  const service = `service=${encodeURIComponent(entry.service ?? '')}`;
  if (entry.kind === 'log') return `/explore/logs?${service}&${window}`;
  return entry.kind === 'anomaly' ? `/explore/traces?${service}&${window}` : `/services?${service}&${window}`;
}
function entryLine(entry: TimelineEntry, pair: FigurePair, words: Words): readonly Piece[] {
  const says = words.entry[entry.messageKey]?.(entry.params) ?? entry.says;
  if (entry.kind !== 'anomaly' && entry.kind !== 'log') return [says];
  // "checkout: errors 0.2 % → 31 %": what was written then gives way to what a statement gives.
  const change = `${entry.params['from']} → ${entry.params['to']}`;
  return bindSentence(says.includes(change) ? says.replace(change, '').trim() : says, {}, pair);
}
function timeline({ incident, entries }: DraftFacts, words: Words): Block[] {
  const told = draftEntries(incident);
  const rows = told.map((index) => {
    const entry = incident.timeline[index]!;
    const pair = entries.get(index) ?? { value: null, baseline: null };
    const hasScreen = entry.service !== null && ['anomaly', 'log', 'change'].includes(entry.kind);
    return [inline([clock(entry.atMs)]), inline(entryLine(entry, pair, words)), hasScreen ? link(words.text.link, screenOf(entry)) : []];
  });
  const { column, text } = words;
  return [table([column.time, column.event, column.data], rows), ...(told.length < incident.timeline.length ? [paragraph(text.more)] : [])];
}

/**
 * A complete first draft from an incident and what its statements gave: facts where there are any, prompts where only
 * people know. No model, no clock; every measured number in it is a figure.
 */
export function draftPostmortem(facts: DraftFacts): PostmortemDocument {
  const words = wordsOf(facts.locale);
  const { spans, incident } = facts;
  const section = (name: keyof Words['heading'], content: readonly Block[]): Block[] => [heading(2, words.heading[name]), ...content];
  const asked = (name: 'well' | 'badly' | 'lucky'): Block[] => section(name, bullets([prompt(words.prompt[name])]));
  const { prompt: ask, column } = words;
  return {
    version: 1,
    incidentId: incident.id,
    locale: facts.locale,
    title: titleOf(facts, words),
    status: 'draft',
    authors: facts.authors,
    content: [
      ...section('summary', summary(facts, words)),
      ...section('impact', impactOf(facts, words)),
      ...section('timeline', timeline(facts, words)),
      ...section('causes', causes(facts, words)),
      ...section('detection', [
        ...(spans.detect ? [paragraph(...words.detected(spans.detect, spans.acknowledge))] : []),
        prompt(ask.detection),
      ]),
      ...section('resolution', [paragraph(...words.over(spans.duration)), prompt(ask.resolution)]),
      ...asked('well'),
      ...asked('badly'),
      ...asked('lucky'),
      ...section('actions', [
        table(
          [column.action, column.owner, column.due, column.kind],
          [0, 1].map(() => [ask.action, ask.owner, ask.due, ask.kind]),
        ),
      ]),
      paragraphOf([]),
    ],
  };
}

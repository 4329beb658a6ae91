import type { Candidate, Evidence, RcaResult, SpokenWindow, TimeWindow, Verdict } from '#contracts/judgement.ts';
import type { EvidenceQueries, RankCauses, RankInput } from '#contracts/observation.ts';
import { type Births, findBirths } from './births.ts';
import { shareBlame, weighBirths } from './blame.ts';
import { type CaseFile, openCase } from './case-file.ts';
import { type EvidenceRow, edgeTimeRow, errorRatioRow, extraCallsRow, logRow, selfTimeRow } from './evidence-rows.ts';
import { timeText } from './figures.ts';
import { formHypotheses, type Hypothesis } from './hypotheses.ts';
import { impactedServices } from './impact.ts';
import { narrate } from './narrate.ts';
import { refineWindow } from './refine-window.ts';
import { shiftBetween, total } from './shift.ts';
import { decideVerdict } from './verdict.ts';

interface Scored extends Hypothesis {
  readonly score: number;
}
/**
 * Candidates the symptom cannot reach along calls count for less, not for nothing: of several symptoms of one trouble
 * the detector may have named one beside the path.
 */
const OUT_OF_REACH = 0.6;
/** Evidence rows a candidate shows at most. */
const MOST_ROWS = 8;

/**
 * Ranks causes of the trouble in the window. Time and errors are booked where they are born (births), shared out
 * (blame), tied to mechanisms (hypotheses) and scored; scores are 0-1. No trouble: no candidates, "inconclusive".
 */
export const rankCauses: RankCauses = (input: RankInput, queries: EvidenceQueries): RcaResult => {
  const { window, baseline } = refineWindow(input);
  const file = openCase(input.observation, window, baseline, queries);
  const scope = scopeOf(file, input);
  const births = findBirths(file, file.graph.nodes);
  const weights = weighBirths(births);
  const magnitude = Math.min(1, weights.time + weights.errors);
  const scored = formHypotheses(file, births, shareBlame(births, file))
    .map(
      (hypothesis): Scored => ({
        ...hypothesis,
        score: scoreOf(hypothesis, magnitude) * (isInScope(hypothesis, scope) ? 1 : OUT_OF_REACH),
      }),
    )
    .filter((hypothesis) => hypothesis.score >= 0.02)
    .sort(byScore);
  const places = onePerPlace(scored);
  const impacted = impactedServices(file, new Set(places.slice(0, 1).map((h) => h.service)));
  const candidates = toCandidates(places.slice(0, Math.max(1, input.top)), file, births);
  const verdict = tempered(verdictOf(places, file, births, magnitude), input);
  const draft: RcaResult = {
    verdict,
    window: { start: timeText(input.window.startMs), end: timeText(input.window.endMs) },
    candidates,
    impacted,
    narrative: '',
  };
  return { ...draft, narrative: narrate(draft, 'en') };
};

/** What the symptom can be due to: everything below it, or everything when no symptom is named or known. */
function scopeOf(file: CaseFile, input: RankInput): ReadonlySet<string> {
  const symptom = input.symptom?.service;
  return symptom === undefined || !file.graph.nodes.has(symptom) ? file.graph.nodes : file.graph.reach(symptom);
}

/** A neighbour on the same host is in scope through those it slows. */
const isInScope = (hypothesis: Hypothesis, scope: ReadonlySet<string>): boolean =>
  [...hypothesis.explains].some((service) => scope.has(service));

function scoreOf({ coverage, mechanism }: Hypothesis, magnitude: number): number {
  return Math.max(0, Math.min(1, coverage)) * (0.5 + 0.5 * mechanism.strength) * Math.min(1, magnitude / 0.2);
}

const byScore = (a: Scored, b: Scored): number =>
  b.score - a.score || b.mechanism.strength - a.mechanism.strength || (a.service < b.service ? -1 : a.service > b.service ? 1 : 0);

function onePerPlace(scored: readonly Scored[]): Scored[] {
  const seen = new Set<string>();
  return scored.filter(({ service }) => !seen.has(service) && seen.add(service));
}

const spoken = ({ startMs, endMs }: TimeWindow): SpokenWindow => ({ start: timeText(startMs), end: timeText(endMs) });
function toCandidates(places: readonly Scored[], file: CaseFile, births: Births): Candidate[] {
  let next = 1;
  const over = { window: spoken(file.window), baseline: spoken(file.baseline) };
  const first = places[0];
  return places.map((hypothesis, index): Candidate => {
    const rows = [...hypothesis.mechanism.rows, ...rowsOfPlace(hypothesis, file, births)];
    const evidence: Evidence[] = dedupe(rows)
      .slice(0, MOST_ROWS)
      .map((row) => ({ id: `E${next++}`, ...row, ...(row.signal === 'change' ? {} : { over }) }));
    const isVictim = index > 0 && first !== undefined && first.explains.has(hypothesis.service);
    const role = index === 0 ? 'cause' : isVictim ? 'critical_failure' : 'impact';
    const { kind, instance, because } = hypothesis.mechanism;
    return {
      rank: index + 1,
      service: hypothesis.service,
      instance,
      kind,
      score: Number(hypothesis.score.toFixed(4)),
      because,
      role,
      evidence,
    };
  });
}

/** What shows that the trouble is born at the place, whatever the mechanism. */
function rowsOfPlace(hypothesis: Scored, file: CaseFile, births: Births): EvidenceRow[] {
  const place = births.places.find((p) => p.name === hypothesis.service);
  if (place === undefined) return [];
  const rows: (EvidenceRow | null)[] = [];
  if ((place.self?.certainty ?? 0) > 0.2) rows.push(selfTimeRow(file, place.name, null, place.self!.onset));
  if (place.extraErrors > 0) rows.push(errorRatioRow(file, place.name, place.onset, place.unansweredErrors < place.extraErrors / 2));
  for (const callee of place.multiplied) rows.push(extraCallsRow(file, place.name, callee, place.onset));
  for (const { edge, shift } of place.edges.slice(0, 2)) if (shift.certainty > 0.3) rows.push(edgeTimeRow(file, edge, shift.onset));
  const news = file.observation.logs
    .filter((log) => log.service === place.name && (log.severity === 'error' || log.severity === 'fatal' || log.severity === 'warn'))
    .map((log) => ({
      log,
      shift: shiftBetween(log.counts.map(zeroIfMissing), null, file.range),
      sum: total(log.counts, file.range.from, file.range.to),
    }))
    .filter(({ shift, sum }) => sum >= 3 && shift.z > 4)
    .sort((a, b) => b.sum - a.sum);
  for (const { log } of news.slice(0, 2)) rows.push(logRow(file, log));
  return rows.filter((row) => row !== null);
}

/** A pattern without lines in a bucket is not listed there; for a log that is a zero. */
const zeroIfMissing = (count: number): number => (Number.isFinite(count) ? count : 0);

function dedupe(rows: readonly EvidenceRow[]): EvidenceRow[] {
  const seen = new Set<string>();
  return rows.filter(({ says }) => !seen.has(says) && seen.add(says));
}

/** A shift the detector never found worth reporting may be noise: one level less. */
function tempered(verdict: Verdict, input: RankInput): Verdict {
  const isBacked = input.anomalies.some(
    (a) => (a.kind === 'errors' || a.kind === 'latency') && a.untilMs > input.window.startMs && a.onsetMs < input.window.endMs,
  );
  return isBacked ? verdict : verdict === 'confirmed' ? 'likely' : 'inconclusive';
}

function verdictOf(places: readonly Scored[], file: CaseFile, births: Births, magnitude: number): Verdict {
  const first = places[0];
  if (first === undefined) return 'inconclusive';
  // A victim that the first candidate explains is no rival.
  const rival = places.find((other, index) => index > 0 && !first.explains.has(other.service));
  const onsets = births.places.filter((p) => p.onset >= 0 && (p.extraMs > 0 || p.extraErrors > 0)).map((p) => p.onset);
  return decideVerdict({
    score: first.score,
    margin: rival === undefined ? 1 : 1 - rival.score / first.score,
    coverage: first.coverage,
    strength: first.mechanism.strength,
    magnitude,
    isInOrder: first.onset < 0 || onsets.length === 0 || first.onset <= Math.min(...onsets) + 2,
    baselineBuckets: file.range.baseTo - file.range.baseFrom,
  });
}

/**
 * node bench/demo-evaluate.ts [--seeds 1000-1019] [--kinds bad_deploy,none] [--minutes 34] [--rate 20] [--parallel 1]
 *
 * Seeds per fault kind through the whole chain but the sockets; prints a row per run and a table per kind and writes
 * bench/results/demo-evaluate.json (after every run). Seeds 1000 and up are for evaluation: never tune with them. Seeds 1-50 are for building.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Truth } from '#demo/faults.ts';
import { DEMO_SCENARIOS, type DemoScenario, isDemoScenario } from '#demo/scenarios.ts';
import { type RankedIncident, type RunOutcome, runScenario } from './demo-pipeline.ts';

/** A Tuesday morning, so that the daily wave is on its way up. */
const START_MS = Date.UTC(2026, 2, 10, 9);
const CAUSE_NAMES: Readonly<Record<DemoScenario, string>> = {
  bad_deploy: 'bad_deploy',
  slow_dependency: 'slow_dependency',
  pool_exhaustion: 'pool_exhaustion',
  memory_leak: 'memory_leak',
  tenant_error_burst: 'error_burst',
  noisy_neighbour: 'noisy_neighbour',
  none: '',
};
interface Score {
  readonly scenario: DemoScenario;
  readonly seed: number;
  readonly place: string;
  readonly detail: string;
  readonly opened: boolean;
  readonly delaySeconds: number | null;
  readonly top1: boolean;
  readonly top1Kind: boolean;
  readonly top3: boolean;
  readonly verdict: string;
  readonly said: string;
  /** Incidents that have nothing to do with the trouble: all of a quiet run, those opened before the onset of another. */
  readonly falseIncidents: number;
  readonly lookedAhead: number;
  readonly extraIncidents: number;
  readonly title: string;
  readonly seconds: number;
  readonly dropped: number;
}
/** How long before the onset an incident's own estimate may lie: two cells of the grid. */
const SLACK_MS = 20_000;
const isPlace = (truth: Truth, service: string): boolean => service === truth.service || truth.aliases.includes(service);

function score(scenario: DemoScenario, seed: number, { truth, incidents, lookedAhead, dropped, seconds }: RunOutcome): Score {
  const quiet = scenario === 'none';
  const early = incidents.filter(({ incident }) => quiet || incident.openedMs < truth.onsetMs - SLACK_MS);
  const due = incidents.filter((entry) => !early.includes(entry));
  const first: RankedIncident | undefined = [...due].sort((a, b) => a.incident.openedMs - b.incident.openedMs)[0];
  const candidates = first?.rca.candidates ?? [];
  const best = candidates[0];
  return {
    scenario,
    seed,
    place: truth.service,
    detail: truth.detail,
    opened: first !== undefined,
    delaySeconds: first ? Math.round((first.incident.openedMs - truth.onsetMs) / 1000) : null,
    top1: best !== undefined && isPlace(truth, best.service),
    top1Kind: best !== undefined && isPlace(truth, best.service) && best.kind === CAUSE_NAMES[scenario],
    top3: candidates.slice(0, 3).some((candidate) => isPlace(truth, candidate.service)),
    verdict: first?.rca.verdict ?? '',
    said: best ? `${best.service} ${best.kind}` : '',
    // An incident only the future explains would not have been there: counted as false, whenever it opened.
    falseIncidents: early.length + lookedAhead,
    lookedAhead,
    extraIncidents: Math.max(0, due.length - 1),
    title: (first ?? early[0])?.incident.title ?? '',
    seconds: Math.round(Object.values(seconds).reduce((sum, part) => sum + part, 0)),
    dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0),
  };
}
/** A run in a process of its own: a native abort costs one row, memory starts afresh. */
function inChild(scenario: DemoScenario, seed: number, minutes: string, rate: string): Promise<Score | null> {
  const child = spawn(process.execPath, [import.meta.filename, '--one', `${scenario}:${seed}`, '--minutes', minutes, '--rate', rate], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve(code === 0 ? (JSON.parse(text.trim().split('\n').at(-1)!) as Score) : null));
  });
}
const share = (scores: readonly Score[], hit: (score: Score) => boolean): string =>
  scores.length === 0 ? '-' : `${scores.filter(hit).length}/${scores.length}`;
function summarize(kind: DemoScenario, scores: readonly Score[]): Record<string, string | number> {
  const delays = scores.flatMap(({ delaySeconds }) => (delaySeconds === null ? [] : [delaySeconds])).sort((a, b) => a - b);
  const loud = kind !== 'none';
  return {
    kind,
    opened: loud ? share(scores, (s) => s.opened) : '-',
    'delay p50 s': delays[Math.floor(delays.length / 2)] ?? '-',
    'delay max s': delays.at(-1) ?? '-',
    'top-1 service': loud ? share(scores, (s) => s.top1) : '-',
    'top-1 kind too': loud ? share(scores, (s) => s.top1Kind) : '-',
    'top-3 service': loud ? share(scores, (s) => s.top3) : '-',
    'runs with false incidents': share(scores, (s) => s.falseIncidents > 0),
    'extra incidents': scores.reduce((sum, s) => sum + s.extraIncidents, 0),
  };
}
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000-1019' },
    kinds: { type: 'string', default: DEMO_SCENARIOS.join(',') },
    minutes: { type: 'string', default: '34' },
    rate: { type: 'string', default: '20' },
    parallel: { type: 'string', default: '1' },
    one: { type: 'string' },
  },
});
const kinds = values.kinds.split(',').filter(isDemoScenario);

async function evaluate(): Promise<void> {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(values.seeds) ?? [];
  if (first === undefined) throw new Error(`--seeds ${values.seeds}: one seed, or a range as 1000-1019`);
  const [from, to] = [Number(first), Number(last)];
  // Seed by seed over all kinds: a run that is stopped early has seen every kind equally often.
  const queue = Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((seed) => kinds.map((kind) => ({ kind, seed })));
  const scores: Score[] = [];
  let crashed = 0;
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const result = await inChild(next.kind, next.seed, values.minutes, values.rate);
      if (!result) crashed += 1;
      else {
        scores.push(result);
        write(scores, crashed);
        const mark =
          result.scenario === 'none'
            ? result.falseIncidents
              ? 'FALSE'
              : 'ok'
            : result.top1Kind
              ? 'ok'
              : result.top1
                ? 'kind?'
                : result.opened
                  ? 'WRONG'
                  : 'MISSED';
        console.log(
          [
            mark,
            result.scenario,
            result.seed,
            result.place,
            `(${result.detail})`,
            '->',
            result.said || '-',
            result.verdict,
            `+${result.delaySeconds ?? '-'} s`,
            result.falseIncidents ? `${result.falseIncidents} false` : '',
            result.title,
          ].join(' '),
        );
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, lane));
  console.table(write(scores, crashed));
  if (crashed > 0) console.log(`${crashed} runs crashed`);
}
/** Writes what is known so far; returns the table. */
function write(scores: readonly Score[], crashed: number): Record<string, string | number>[] {
  const table = kinds.map((kind) =>
    summarize(
      kind,
      scores.filter((result) => result.scenario === kind),
    ),
  );
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'demo-evaluate.json'), `${JSON.stringify({ options: values, crashed, table, scores }, null, 1)}\n`);
  return table;
}
if (values.one) {
  const [scenario = '', seed = ''] = values.one.split(':');
  if (!isDemoScenario(scenario)) throw new Error(`no scenario ${scenario}`);
  const options = { scenario, seed: Number(seed), minutes: Number(values.minutes), requestsPerSecond: Number(values.rate) };
  console.log(JSON.stringify(score(scenario, options.seed, await runScenario(options, START_MS))));
} else await evaluate();

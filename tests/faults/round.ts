import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Rng, seededRng } from '../fixtures/seeded-rng.ts';
import { faultsOf, judgeStored, type Verdict } from './judge-stored.ts';
import { readStored } from './read-stored.ts';
import { Rig, type RigOptions } from './rig.ts';
import { type Load, type LoadOptions, startLoad } from './sender.ts';

/** One kind of fault. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Rounds of the full run. */
  readonly rounds: number;
  /** Why it cannot run here; null when it can. */
  readonly missing?: () => string | null;
  run(round: Round): Promise<void>;
}
export interface RoundReport {
  readonly scenario: string;
  readonly seed: number;
  readonly what: string;
  readonly kills: number;
  readonly verdict: Verdict | null;
  readonly faults: readonly string[];
  readonly seconds: number;
}

/** What a scenario works with: chance, folders, consoles and load, all ended when the round is over. */
export class Round {
  readonly seed: number;
  readonly random: Rng;
  /** A slice of seconds for `npm test` instead of the whole. */
  readonly short: boolean;
  readonly faults: string[] = [];
  /** Said in the summary line. */
  what = '';
  verdict: Verdict | null = null;
  private readonly folders: string[] = [];
  private readonly rigs: Rig[] = [];
  private readonly loads: Load[] = [];
  private readonly endings: (() => Promise<void> | void)[] = [];

  constructor(seed: number, short: boolean) {
    this.seed = seed;
    this.short = short;
    this.random = seededRng(seed);
  }
  /** Whole number in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }
  folder(): string {
    this.folders.push(mkdtempSync(join(tmpdir(), 'faultline-faults-')));
    return this.folders.at(-1) as string;
  }
  rig(options: Partial<RigOptions> = {}): Rig {
    const rig = new Rig({ dataDir: this.folder(), ...options });
    this.rigs.push(rig);
    return rig;
  }
  load(rig: Rig, options: Partial<LoadOptions> = {}): Load {
    const load = startLoad({ target: rig.target, seed: this.seed, ...options });
    this.loads.push(load);
    return load;
  }
  /** Run when the round is over, the last first. */
  atEnd(ending: () => Promise<void> | void): void {
    this.endings.push(ending);
  }
  fault(says: string): void {
    this.faults.push(says);
  }
  check(holds: boolean, says: string): void {
    if (!holds) this.fault(says);
  }

  /** Compares what was sent with what the console at hand holds. @param forgive units that the fault itself destroyed */
  async compare(rig: Rig, load: Load, when: string, forgive: (unit: number) => boolean = () => false): Promise<Verdict> {
    const { units } = load.ledger;
    const verdict = judgeStored(units, await readStored(rig.console, units.length));
    const kept = (list: Verdict['lost']): Verdict['lost'] => list.filter(({ number }) => !forgive(number));
    const judged = { ...verdict, lost: kept(verdict.lost), partial: kept(verdict.partial) };
    for (const says of faultsOf(judged)) this.fault(`${when}: ${says}`);
    if (verdict.acknowledged === 0) this.fault(`${when}: nothing was acknowledged, so nothing was tested`);
    this.verdict = judged;
    return verdict;
  }
  /** The end of most rounds: the load stops, everything is compared, and once more after a regular stop and start. */
  async conclude(rig: Rig, load: Load, forgive?: (unit: number) => boolean): Promise<void> {
    await load.stop();
    await rig.ready();
    await this.compare(rig, load, 'at the end', forgive);
    if (!this.short) {
      const code = await rig.stop();
      this.check(code === 0, `the console ended with ${code} when it was asked to`);
      await rig.start();
      await this.compare(rig, load, 'after a restart', forgive);
    }
    for (const [says, times] of load.surprises) this.fault(`a sender was answered ${times} times with ${says}`);
    for (const line of new Set(rig.log().match(/^BUG:.*$/gm) ?? [])) this.fault(`the log says ${line.slice(0, 300)}`);
  }
  async close(): Promise<void> {
    for (const load of this.loads) await load.stop();
    for (const rig of this.rigs) await rig.end();
    for (const ending of this.endings.reverse()) await ending();
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }
  kills(): number {
    return this.rigs.reduce((sum, rig) => sum + rig.kills, 0);
  }
  logs(): string {
    return this.rigs.map((rig) => rig.log()).join('\n');
  }
}

/** A round that hangs or throws is a failed round, and the harness goes on. */
export async function runRound(scenario: Scenario, seed: number, short = false): Promise<RoundReport & { readonly log: string }> {
  const round = new Round(seed, short);
  const startedMs = performance.now();
  try {
    await scenario.run(round);
  } catch (error) {
    round.fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const log = round.logs();
  await round.close().catch((error: unknown) => round.fault(`the round does not end: ${error}`));
  const { faults, verdict, what } = round;
  const seconds = (performance.now() - startedMs) / 1000;
  return { scenario: scenario.name, seed, what, kills: round.kills(), verdict, faults, seconds, log };
}
export function summaryOf({ scenario, seed, what, kills, verdict, faults, seconds }: RoundReport): string {
  const figures = verdict
    ? `acknowledged ${verdict.acknowledged}, refused ${verdict.refused}, unanswered ${verdict.unanswered}, stored ${verdict.stored}, ` +
      `lost ${verdict.lost.length}, partial ${verdict.partial.length}, doubled ${verdict.doubled.length}, sender's repeats ${verdict.repeats}`
    : 'nothing compared';
  const state = faults.length === 0 ? 'ok    ' : 'FAILED';
  return `${state} ${scenario} seed ${seed}: ${what}${kills > 0 ? `, ${kills} kills` : ''}; ${figures}; ${seconds.toFixed(1)} s`;
}

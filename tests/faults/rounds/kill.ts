import { startPlatform } from '../platform.ts';
import { type Rig, sleep, until, type Victim } from '../rig.ts';
import type { Round, Scenario } from '../round.ts';
import type { Load } from '../sender.ts';

/** A part is started at once after its first kill, later ever more slowly: five in a row would be waiting, not killing. */
const KILLS_PER_PART = 4;

async function killParts(round: Round, rig: Rig, load: Load, kills: number, forwards: boolean): Promise<void> {
  const left: Record<string, number> = { collector: KILLS_PER_PART, engine: KILLS_PER_PART, forwarder: forwards ? KILLS_PER_PART : 0 };
  const wanted = rig.kills + kills;
  while (rig.kills < wanted) {
    const able = (Object.keys(left) as Victim[]).filter((victim) => (left[victim] ?? 0) > 0);
    if (able.length === 0) return;
    // One kill of five takes several at the same moment.
    const victims = round.random() < 0.2 ? able : [round.pick(able)];
    // One of four while something is still starting, the others in the middle of the load, however slow the machine is.
    const answered = load.ledger.acknowledged + round.int(1, 40);
    if (round.random() < 0.75) await until('requests to be answered between two kills', () => load.ledger.acknowledged >= answered, 90);
    await sleep(round.int(0, 150));
    if (rig.kill(...victims) === 0) continue;
    for (const victim of victims) left[victim] = (left[victim] ?? 0) - 1;
  }
}

export const kill: Scenario = {
  name: 'kill',
  about:
    'kill -9 of collector, engine, forwarder, supervisor and several at once, under load of every protocol; every second round forwards',
  rounds: 10,
  async run(round) {
    const forwards = round.seed % 2 === 0;
    const platform = forwards ? await startPlatform(round) : null;
    const rig = round.rig(platform ? { args: ['--forward', platform.url] } : {});
    await rig.start();
    const load = round.load(rig);
    const lives = round.short ? 2 : 3;
    for (let life = 0; life < lives; life++) {
      await killParts(round, rig, load, round.short ? 3 : 7, forwards);
      await sleep(round.int(0, 400));
      // The last life goes on to the end; one of three before it is ended as an operator would.
      if (life === lives - 1) break;
      if (round.random() < 0.2) await rig.stop();
      else await rig.killSupervisor(round.random() < 0.5);
      await sleep(round.int(0, 200));
      await rig.start();
    }
    round.what = `${lives} lives${forwards ? ', forwarding' : ''}`;
    await round.conclude(rig, load);
    if (platform) await platform.compare(rig, load);
  },
};

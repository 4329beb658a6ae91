import { sleep, stateOf, type Victim } from '../rig.ts';
import type { Scenario } from '../round.ts';

/** Longer than a sender waits for its answer, so that it sends again what is then taken in all the same. */
const SENDER_WAITS_MS = 1_200;

export const stop: Scenario = {
  name: 'stop',
  about: 'SIGSTOP and SIGCONT of each process under load, some killed while they are stopped',
  rounds: 3,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { timeoutMs: SENDER_WAITS_MS });
    const stops = round.short ? 2 : 8;
    const held: string[] = [];
    for (let i = 0; i < stops; i++) {
      await sleep(round.int(100, 600));
      const victim = round.pick<Victim>(['collector', 'collector', 'engine', 'supervisor']);
      const pid = rig.pid(victim);
      if (pid === undefined) continue;
      rig.note(`SIGSTOP ${victim}`);
      process.kill(pid, 'SIGSTOP');
      await sleep(round.int(200, 2_500));
      round.check(stateOf(pid) === 'T', `the ${victim} went on although it was stopped`);
      const killed = victim !== 'supervisor' && round.random() < 0.3;
      if (killed) rig.kill(victim);
      else process.kill(pid, 'SIGCONT');
      held.push(victim);
    }
    round.what = `stopped ${held.join(', ')}`;
    await round.conclude(rig, load);
  },
};

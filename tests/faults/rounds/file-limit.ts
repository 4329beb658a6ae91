import { execFileSync } from 'node:child_process';
import { sleep, until } from '../rig.ts';
import type { Scenario } from '../round.ts';

const MB = 1024 * 1024;
const limit = (pid: number, bytes: number | 'unlimited'): void =>
  void execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`], { stdio: 'ignore' });
function missing(): string | null {
  try {
    limit(process.pid, 'unlimited');
    return null;
  } catch {
    return 'no prlimit here: apt-get install util-linux';
  }
}

/** A full disk for those who may not mount one: files of the collector must not grow beyond a size (RLIMIT_FSIZE), so writes end amid a record. */
export const fileLimit: Scenario = {
  name: 'file-limit',
  about: 'writes of the collector that end in the middle with EFBIG (RLIMIT_FSIZE), then room again; needs no root',
  rounds: 1,
  missing,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { fillerBytes: 20_000, pauseMs: 10 });
    let refused = 0;
    for (let i = 0; i < (round.short ? 1 : 3); i++) {
      await rig.ready();
      const pid = rig.pid('collector');
      if (pid === undefined) continue;
      // Below the size of a segment: the one at hand fails somewhere, and no new one can be made.
      limit(pid, round.int(1, 8) * MB + round.int(0, 4_095));
      rig.note('files of the collector are limited');
      const before = load.ledger.count('refused');
      await until('receiving to be refused', () => load.ledger.count('refused') > before + 10, 60);
      round.check(load.told.without === 0, `${load.told.without} refusals did not say when to come back`);
      await sleep(round.int(100, 800));
      if (round.random() < 0.5) rig.kill('collector');
      else limit(pid, 'unlimited');
      refused += load.ledger.count('refused') - before;
      const acknowledged = load.ledger.acknowledged;
      await until('receiving to go on', () => load.ledger.acknowledged > acknowledged + 10);
    }
    round.what = `${refused} refused`;
    await round.conclude(rig, load);
  },
};

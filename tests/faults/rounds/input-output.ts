import { sleep, until, type Victim } from '../rig.ts';
import type { Scenario } from '../round.ts';
import { inject, straceMissing } from '../strace.ts';

/** A write of the journal and of DuckDB, whichever form it takes. */
const WRITES = 'pwritev,pwrite64,writev';
const FLUSHES = 'fsync,fdatasync';

/** Writes and flushes that fail, of the collector and of the engine. */
export const eio: Scenario = {
  name: 'eio',
  about: 'EIO from writes and flushes of the collector and of the engine (strace), in bursts',
  rounds: 4,
  missing: straceMissing,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { pauseMs: 40 });
    const said: string[] = [];
    for (let i = 0; i < (round.short ? 1 : 4); i++) {
      await sleep(round.int(300, 800));
      const victim: Victim = (round.seed + i) % 2 === 0 ? 'collector' : 'engine';
      await rig.ready();
      const pid = rig.pid(victim);
      if (pid === undefined) continue;
      // The journal is open with O_DSYNC: flushes of its own are rare.
      const calls = round.pick(victim === 'engine' ? [WRITES, FLUSHES, `${WRITES},${FLUSHES}`] : [WRITES, `${WRITES},${FLUSHES}`]);
      const injection = await inject(round, pid, `${calls}:error=EIO:when=${round.int(1, 3)}+${round.int(1, 4)}`);
      rig.note(`EIO in ${calls} of the ${victim}`);
      // The engine writes when told to; else it might not within the burst.
      if (victim === 'engine') await rig.console.fetch('/console/admin/flush?durable=1', { method: 'POST' }).catch(() => undefined);
      await sleep(round.int(300, 1_500));
      await injection.stop();
      said.push(`${victim} ${injection.count()}`);
    }
    round.what = `calls that failed: ${said.join(', ')}`;
    await until('receiving to go on', async () => {
      const before = load.ledger.acknowledged;
      await sleep(300);
      return load.ledger.acknowledged > before;
    });
    await round.conclude(rig, load);
  },
};

export const readError: Scenario = {
  name: 'read-error',
  about: 'EIO from reads of the engine (strace) while it takes in the journal: nothing is passed over',
  rounds: 1,
  missing: straceMissing,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { fillerBytes: 3_000, pauseMs: 10 });
    let failed = 0;
    for (let i = 0; i < (round.short ? 1 : 4); i++) {
      await rig.ready();
      const pid = rig.pid('engine');
      if (pid === undefined) continue;
      // Every second read at least; DuckDB reads little here, so most of them are of the journal.
      const injection = await inject(round, pid, `pread64,preadv:error=EIO:when=${round.int(1, 3)}+${round.int(1, 2)}`);
      rig.note('EIO in reads of the engine');
      await sleep(round.int(500, 2_000));
      await injection.stop();
      failed += injection.count();
    }
    round.check(failed > 0, 'no read failed, so nothing was tested');
    round.what = `${failed} reads failed`;
    await round.conclude(rig, load);
  },
};

export const slowDisk: Scenario = {
  name: 'slow-disk',
  about: 'every write and flush of the collector and the engine takes up to half a second longer, with kills in between',
  rounds: 2,
  missing: straceMissing,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { pauseMs: 10, timeoutMs: 1_500 });
    for (let i = 0; i < (round.short ? 1 : 4); i++) {
      const victim: Victim = round.pick(['collector', 'collector', 'engine']);
      await rig.ready();
      const pid = rig.pid(victim);
      if (pid === undefined) continue;
      const microseconds = round.int(20, 500) * 1_000;
      const injection = await inject(round, pid, `${WRITES},${FLUSHES}:delay_enter=${microseconds}`);
      rig.note(`writes of the ${victim} take ${microseconds} microseconds longer`);
      await sleep(round.int(500, 2_500));
      if (round.random() < 0.5) rig.kill(victim);
      await injection.stop();
      round.what += `${round.what === '' ? '' : ', '}${victim} ${microseconds / 1000} ms`;
    }
    await round.conclude(rig, load);
  },
};

/** Between which two steps of its work a process dies is decided here by the call, not by the clock. */
const STEPS: Readonly<Record<'collector' | 'engine', readonly string[]>> = {
  collector: ['rename', 'fsync', 'fdatasync', 'pwritev', 'unlink', 'openat', 'close'],
  engine: ['pwrite64', 'fsync', 'fdatasync', 'rename', 'unlink', 'ftruncate', 'openat'],
};
export const killAt: Scenario = {
  name: 'kill-at',
  about: 'kill -9 at a chosen system call (strace): rename, unlink, flush and write of journal segments and DuckDB files',
  rounds: 3,
  missing: straceMissing,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    // Large bodies: segments are filled, released and used again while this goes on.
    const load = round.load(rig, { fillerBytes: 30_000, pauseMs: 20 });
    const steps: string[] = [];
    for (let i = 0; i < (round.short ? 2 : 10); i++) {
      await rig.ready();
      const victim = round.pick(['collector', 'engine'] as const);
      const pid = rig.pid(victim);
      if (pid === undefined) continue;
      const step = round.pick(STEPS[victim]);
      const injection = await inject(round, pid, `${step}:signal=SIGKILL:when=${round.int(1, 3)}`);
      rig.note(`SIGKILL at a ${step} of the ${victim}`);
      // Stores rows, so that the engine writes and the collector gets segments back.
      const stored = rig.console.fetch('/console/admin/flush?durable=1', { method: 'POST' }).catch(() => undefined);
      await Promise.race([stored.then(() => sleep(700)), sleep(3_000)]);
      await injection.stop();
      if (rig.pid(victim) !== pid) {
        rig.kills++;
        steps.push(`${victim} at ${step}`);
      }
    }
    round.what = steps.join(', ');
    await round.conclude(rig, load);
  },
};

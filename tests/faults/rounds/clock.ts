import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../rig.ts';
import type { Scenario } from '../round.ts';

const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`);
const library = LIBRARIES.find((file) => existsSync(file));
const HOUR = 3_600;

/** Jumps of up to 20 hours either way: more, and items of senders whose clock is right would be refused as too far ahead. */
export const clock: Scenario = {
  name: 'clock',
  about: 'the wall clock of all processes jumps hours back and forth (libfaketime), over midnight too, with kills in between',
  rounds: 2,
  missing: () => (library ? null : 'no libfaketime here: apt-get install faketime'),
  async run(round) {
    const file = join(round.folder(), 'offset');
    const set = (seconds: number): void => {
      // Whole or not at all: the library reads it at every call.
      writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
      renameSync(`${file}.new`, file);
    };
    set(0);
    const env = {
      LD_PRELOAD: library as string,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    const rig = round.rig({ env });
    await rig.start();
    const load = round.load(rig);
    const jumps: string[] = [];
    for (let i = 0; i < (round.short ? 2 : 8); i++) {
      await sleep(round.int(300, 900));
      const seconds = round.int(-20 * HOUR, 20 * HOUR);
      set(seconds);
      rig.note(`the clock is ${seconds} s off`);
      const [row] = await rig.console.sql('SELECT epoch(now())::DOUBLE AS at').catch(() => []);
      const off = Number(row?.['at']) - Date.now() / 1000;
      if (row) round.check(Math.abs(off - seconds) < 60, `the engine's clock is ${off} s off, not ${seconds}`);
      jumps.push(`${(seconds / HOUR).toFixed(1)} h`);
      if (round.random() < 0.5) rig.kill(round.pick(['engine', 'collector'] as const));
    }
    round.what = `clock at ${jumps.join(', ')}`;
    await round.conclude(rig, load);
  },
};

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { LogWriter, TailRig, tailOf } from './tail-rig.ts';

/**
 * kill -9 of the real collector at seeded moments while a program logs and its log is rotated by rename and by copytruncate:
 * every line is stored once. FAULTLINE_TAIL_KILLS makes it longer.
 */
const kills = Number(process.env['FAULTLINE_TAIL_KILLS'] ?? 5);
const seed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
let rig: TailRig;
afterEach(() => rig.end());

describe(`a tailed file under ${kills} kills`, () => {
  it(
    'every line once: rename, copytruncate, half lines, an engine that releases the journal',
    async () => {
      rig = new TailRig((root) => [tailOf(`${root}/app.log*`)]);
      const rng = seededRng(seed);
      const writer = new LogWriter(rig.file('app.log'), seed);
      for (let life = 0; life <= kills; life++) {
        await rig.start();
        for (const end = performance.now() + 200 + rng() * 1_200; performance.now() < end; ) {
          writer.step();
          await sleep(rng() * 12);
          if (rng() < 0.1) await rig.take(rng() < 0.5);
        }
        if (life === kills) break;
        await rig.kill();
        // The program does not wait for us.
        for (let i = rng() * 30; i > 0; i--) writer.step();
      }
      writer.finish();
      await rig.takeUntil(() => rig.lines.size >= writer.written);
      await rig.stop();
      await rig.take(false);
      expect(writer.did.renames).toBeGreaterThan(0);
      expect(writer.did.copies).toBeGreaterThan(0);
      const twice = [...rig.lines].filter(([, times]) => times > 1).map(([line]) => line);
      expect({ lost: writer.written - rig.lines.size, twice }).toEqual({ lost: 0, twice: [] });
    },
    60_000 + kills * 5_000,
  );
});

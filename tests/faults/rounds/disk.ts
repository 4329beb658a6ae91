import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, until } from '../rig.ts';
import type { Round, Scenario } from '../round.ts';

const DISK_MB = 416;
/** Twice what the journal may take of the rest: the store writes rows to DuckDB's log first, then to the file. */
const RESERVE_MB = 272;

function mount(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
let mountable: boolean | null = null;
function canMount(): boolean {
  if (mountable !== null) return mountable;
  const folder = mkdtempSync(join(tmpdir(), 'faultline-mount-'));
  mountable = mount(folder);
  if (mountable) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
  return mountable;
}
/** Another program takes all there is. @returns what gives it back */
function fill(folder: string): () => void {
  const file = join(folder, 'filler');
  const fd = openSync(file, 'w');
  try {
    for (const size of [1 << 20, 4096]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size, 1));
      } catch {
        // Full: that is the point.
      }
    }
  } finally {
    closeSync(fd);
  }
  return () => rmSync(file, { force: true });
}
function limits(round: Round): string {
  const file = join(round.folder(), 'faultline.yaml');
  writeFileSync(file, `limits:\n  diskReserveBytes: ${RESERVE_MB * 1024 * 1024}\n`);
  return file;
}

export const disk: Scenario = {
  name: 'disk',
  about: `a disk of ${DISK_MB} MB that runs full by our own writing, then by somebody else's to the last byte, with kills meanwhile`,
  rounds: 2,
  missing: () => (canMount() ? null : 'no right to mount a tmpfs here (run it as root, or see --only=file-limit)'),
  async run(round) {
    const small = round.folder();
    mount(small);
    round.atEnd(() => void execFileSync('umount', ['-l', small]));
    const rig = round.rig({ dataDir: join(small, 'data'), args: ['--config', limits(round)] });
    await rig.start();
    const load = round.load(rig, { fillerBytes: 30_000, pauseMs: 5, timeoutMs: 10_000 });
    await until('the reserve to be reached', () => load.told.withDelay + load.told.without > 20, 90);
    round.check(load.told.without === 0, `${load.told.without} refusals did not say when to come back`);
    await until('/healthz to say that receiving is refused', async () => {
      const health = (await (await fetch(`${rig.console.ingest}/healthz`)).json()) as { collector: { refusing: string } };
      return /disk_full|journal_full/.test(health.collector.refusing);
    });
    const [row] = await rig.console.sql('SELECT count(*)::DOUBLE AS n FROM spans');
    round.check(Number(row?.['n']) > 0, 'with a full disk nothing can be read');
    const giveBack = fill(small);
    round.check(statfsSync(small).bavail < 16, 'the disk is not full');
    // Stored or not: it must not hurt.
    const durable = await rig.console.fetch('/console/admin/flush?durable=1', { method: 'POST' });
    await durable.arrayBuffer();
    const kills = round.short ? 1 : 4;
    for (let i = 0; i < kills; i++) {
      await sleep(round.int(100, 900));
      rig.kill(round.pick(['engine', 'collector'] as const));
    }
    await sleep(1_000);
    const refused = load.ledger.count('refused') + load.ledger.count('unanswered');
    giveBack();
    round.what = `${refused} refused or unanswered while the disk was full, flush then ${durable.status}`;
    // Room is made by the store: journal that is stored goes.
    const before = load.ledger.acknowledged;
    // A part that ends at once on the full disk is tried again ever more slowly, at most every 30 s.
    await until('the engine at work', async () => (await rig.console.fetch('/readyz')).ok, 60);
    await rig.ready();
    await until('rows to be stored', async () => (await rig.console.fetch('/console/admin/flush?durable=1', { method: 'POST' })).ok, 60);
    await until('receiving to go on', () => load.ledger.acknowledged > before);
    await round.conclude(rig, load);
    round.check(!existsSync(join(rig.dataDir, 'quarantine')), 'a file was set aside although nothing was damaged');
  },
};

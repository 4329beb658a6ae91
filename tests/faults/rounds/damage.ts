import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { recordsOf } from '../journal-bytes.ts';
import type { Unit } from '../ledger.ts';
import { type Rig, sleep, until } from '../rig.ts';
import type { Round, Scenario } from '../round.ts';
import type { Load } from '../sender.ts';

function change(file: string, at: number, work: (bytes: Buffer) => void, length = 1): void {
  const fd = openSync(file, 'r+');
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, at);
  work(bytes);
  writeSync(fd, bytes, 0, length, at);
  closeSync(fd);
}
const flipAt = (round: Round, file: string, at: number): void =>
  change(file, at, (bytes) => {
    bytes[0] = (bytes[0] as number) ^ (1 << round.int(0, 7));
  });
const damagedPlaces = async (rig: Rig): Promise<number> =>
  Number(/^faultline_journal_damaged_places_total (\d+)/m.exec(await (await rig.console.fetch('/metrics')).text())?.[1]);
const warnings = async (rig: Rig): Promise<string> =>
  JSON.stringify(((await rig.json('/console/state')) as { warnings: unknown }).warnings);

/** What a sender was writing when all power went: half a record at the end, nothing of it acknowledged. */
async function tornJournal(round: Round, rig: Rig): Promise<void> {
  const file = rig.journalFiles().at(-1) as string;
  const { records, end } = recordsOf(file);
  const model = round.pick(records);
  const bytes = readFileSync(file).subarray(model.offset, model.offset + model.lengthBytes);
  // A header of that very place, as the writer would have made it but for its checksums, and a part of the body.
  const torn = Buffer.from(bytes.subarray(0, round.int(1, bytes.length - 1)));
  if (torn.length >= 16) torn.writeUInt32LE(end, 12);
  change(file, end, (there) => torn.copy(there), torn.length);
  round.what = `journal torn after ${records.length} records`;
}
/** Bits of records that only the journal has: exactly those requests are lost, it is said, and no other is touched. */
async function flippedJournal(round: Round, rig: Rig, load: Load): Promise<void> {
  const file = rig.journalFiles().at(-1) as string;
  const { records } = recordsOf(file);
  const hit = new Set<number>();
  for (let i = 0; i < 3; i++) {
    const at = round.int(0, records.length - 2);
    const { offset, lengthBytes } = records[at] as (typeof records)[number];
    hit.add(at);
    flipAt(round, file, offset + round.int(0, lengthBytes - 1));
  }
  await rig.start();
  await rig.ready();
  const verdict = await round.compare(rig, load, 'with flipped bits', (unit) => stored(load.ledger.units[unit] as Unit));
  // A record is a request: as many are gone as were hit, and the engine knows it.
  const gone = verdict.lost.length;
  round.check(gone <= hit.size, `${gone} requests are lost, ${hit.size} records were hit`);
  round.check(
    (await damagedPlaces(rig)) >= 1 && /journal was damaged/.test(await warnings(rig)),
    'nobody says that the journal was damaged',
  );
  forgiven = new Set(verdict.lost.map(({ number }) => number));
  round.what = `${hit.size} records of the journal hit, ${gone} requests lost and said so`;
}
let forgiven = new Set<number>();
const stored = (unit: Unit): boolean => unit.outcome === 'acknowledged';

/** DuckDB's own log of a day, cut or gone: the journal still has it all. */
function tornLog(round: Round, rig: Rig): boolean {
  const logs = readdirSync(rig.dataDir).filter((name) => /^telemetry-.*\.duckdb\.wal$/.test(name));
  for (const name of logs) {
    const file = join(rig.dataDir, name);
    if (round.random() < 0.3) rmSync(file);
    else truncateSync(file, round.int(0, statSync(file).size));
  }
  round.what = `${logs.length} write-ahead logs of day files cut`;
  return logs.length > 0;
}

export const damage: Scenario = {
  name: 'damage',
  about: 'torn and bit-flipped journal, cut write-ahead logs of day files, damaged and cut day files, a lost catalog',
  rounds: 5,
  async run(round) {
    forgiven = new Set();
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { pauseMs: 10 });
    await sleep(round.short ? 500 : 1_500);
    const kind = round.seed % 5;
    const durable = (): Promise<boolean> =>
      until('rows to be stored', async () => (await rig.console.fetch('/console/admin/flush?durable=1', { method: 'POST' })).ok);
    // Part of it in day files, part of it in the journal only; the damage finds both.
    if (kind >= 2) {
      await durable();
      await sleep(500);
    }
    if (kind !== 1) {
      await rig.killSupervisor(true);
      if (kind === 0) await tornJournal(round, rig);
      else if (kind === 2) round.check(tornLog(round, rig), 'there was no write-ahead log to cut');
      else if (kind === 3) await dayFile(round, rig);
      else await catalog(round, rig);
      await rig.start();
    } else {
      await load.stop();
      await rig.killSupervisor(true);
      await flippedJournal(round, rig, load);
    }
    const before = load.ledger.units.length;
    await sleep(800);
    let isMissed = false;
    await round.conclude(rig, load, (unit) => {
      isMissed ||= kind === 3;
      return forgiven.has(unit) || (kind === 3 && unit < before);
    });
    // What was sent after the damage is whole in any case; what lay in the damaged file may be gone, and that is said. Blocks that are free may be hit as well.
    const isSetAside = existsSync(join(rig.dataDir, 'quarantine'));
    if (kind === 3) round.check(isSetAside || !isMissed, 'something is missing, and no file was set aside');
    if (kind === 3 && !isSetAside) round.what += ' where nothing stood';
  },
};
/** Bytes in the middle of a day file, or its end cut off. */
async function dayFile(round: Round, rig: Rig): Promise<void> {
  const name = round.pick(readdirSync(rig.dataDir).filter((file) => /^telemetry-.*\.duckdb$/.test(file)));
  const file = join(rig.dataDir, name);
  const { size } = statSync(file);
  if (round.random() < 0.5) truncateSync(file, round.int(12_288, size - 1));
  else change(file, round.int(0, size - 4_096), (bytes) => bytes.fill(0x5a), 4_096);
  round.what = `${name} of ${size} bytes damaged`;
}
async function catalog(round: Round, rig: Rig): Promise<void> {
  const file = join(rig.dataDir, 'catalog.duckdb');
  for (let i = 0; i < 20; i++) flipAt(round, file, round.int(0, statSync(file).size - 1));
  round.what = 'the catalog damaged';
}

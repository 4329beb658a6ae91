import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openJournal } from '#collectors/pipeline/journal.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { type Rng, seededRng } from '../fixtures/seeded-rng.ts';

const SEED = Number(process.env['FAULTLINE_SEED'] ?? 20261121);
const CASES = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 1_500);
const RECORDS = 120;
const root = mkdtempSync(path.join(tmpdir(), 'faultline-journal-fuzz-'));
const whole = path.join(root, 'whole');
const bodyOf = (number: number): Buffer => Buffer.alloc((number * 37) % 900, number);

beforeAll(async () => {
  const journal = await openJournal(whole, { durability: 'none', maxBytes: 1e9, segmentBytes: 16 * 1024, diskReserveBytes: 0 });
  for (let number = 0; number < RECORDS; number++) {
    await journal.append({
      kind: RecordKind.logs,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      receivedUnixNano: BigInt(number),
      retentionSeconds: 0,
      items: number,
      source: 'otlp-http',
      meta: '',
      body: bodyOf(number),
    });
  }
  await journal.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pick = (random: Rng, below: number): number => Math.floor(random() * below);
/** One way a disk or a person can hurt a file. */
const WOUNDS: readonly ((file: Buffer, random: Rng) => Buffer)[] = [
  (file, random) => {
    for (let i = pick(random, 8); i >= 0; i--) file[pick(random, file.length)] = pick(random, 256);
    return file;
  },
  (file, random) => {
    const from = pick(random, file.length);
    return file.fill(0, from, Math.min(file.length, from + pick(random, 2048)));
  },
  (file, random) => file.subarray(0, pick(random, file.length)),
  (file, random) => {
    const from = pick(random, file.length);
    file.copyWithin(pick(random, file.length), from, from + 2048);
    return file;
  },
  (file, random) => {
    const at = pick(random, file.length - 4) & ~7;
    file.writeUInt32LE(pick(random, 2) === 0 ? 0xffff_ffff : pick(random, 2 ** 16), at);
    return file;
  },
];

it(`whatever is done to the files, no read throws or hangs, and every record read is one that was written (${CASES} cases)`, async () => {
  const random = seededRng(SEED);
  const names = readdirSync(whole).filter((name) => name.startsWith('segment-'));
  const contents = new Map(names.map((name) => [name, readFileSync(path.join(whole, name))]));
  let readAltogether = 0;
  for (let round = 0; round < CASES; round++) {
    const dir = path.join(root, `case-${round}`);
    mkdirSync(dir);
    const wounded = new Map<string, Buffer>();
    for (let wounds = 1 + pick(random, 3); wounds > 0; wounds--) {
      const name = names[pick(random, names.length)] as string;
      const wound = WOUNDS[pick(random, WOUNDS.length)] as (typeof WOUNDS)[number];
      const content = wounded.get(name) ?? Buffer.from(contents.get(name) as Buffer);
      if (content.length > 8) wounded.set(name, wound(content, random));
    }
    for (const name of names) {
      const content = wounded.get(name);
      if (content) writeFileSync(path.join(dir, name), content);
      else linkSync(path.join(whole, name), path.join(dir, name));
    }
    const reader = await openJournalReader(dir, 0);
    let last = -1;
    for (let reads = 0; reads < 4 * RECORDS; reads++) {
      const records = await reader.read(1 + pick(random, 1 << 14));
      if (records.length === 0) break;
      for (const { items, body, receivedUnixNano } of records) {
        const said = `seed ${SEED}, case ${round}, record ${items}`;
        expect(items, said).toBeGreaterThan(last);
        expect(receivedUnixNano, said).toBe(BigInt(items));
        expect(Buffer.from(body).equals(bodyOf(items)), said).toBe(true);
        last = items;
        readAltogether++;
      }
    }
    await reader.close();
    rmSync(dir, { recursive: true });
  }
  // Damage stays local: most records survive most cases.
  expect(readAltogether / CASES / RECORDS).toBeGreaterThan(0.7);
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logBodies } from '../../tests/fixtures/log-bodies.ts';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { isRefused } from './file-record.ts';
import { readJournalExport } from './read-journal-export.ts';
import { readJournalJson } from './read-log-json.ts';
import { recognise } from './recognise.ts';

/** The same five entries of systemd 252, as journalctl writes them with -o export and -o json. */
const real = readFileSync(new URL('../../tests/fuzz/corpus/journald/journald-252.export', import.meta.url));
const json = readFileSync(new URL('../../tests/fixtures/journald-252.jsonl', import.meta.url));

async function* pieces(bytes: Uint8Array, size: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + Math.max(1, Math.floor(size())));
    at += piece.length;
    yield piece;
  }
}
async function read(reading: ReturnType<typeof readJournalExport>) {
  const found = { bodies: [] as string[], items: 0, minTimeMs: 0, refused: [] as string[] };
  for await (const record of reading) {
    if (isRefused(record)) found.refused.push(`${record.line}@${record.offset}: ${record.message}`);
    else {
      found.bodies.push(...logBodies(record.body));
      found.items += record.items;
      found.minTimeMs = record.minTimeMs ?? 0;
    }
  }
  found.bodies.sort();
  return found;
}

describe('a file of journalctl -o export', () => {
  it('says what -o json says of the same entries, however it comes in', async () => {
    const expected = await read(readJournalJson(pieces(json, () => 1e6)));
    expect(expected).toMatchObject({ items: 5, refused: [] });
    for (let seed = 1; seed <= 40; seed++) {
      const rng = seededRng(seed);
      expect(await read(readJournalExport(pieces(real, () => rng() * rng() * 900)))).toEqual(expected);
    }
  });
  it('bad entries are refused with their number and place, the others taken', async () => {
    const bytes = Buffer.concat([Buffer.from('MESSAGE=no time\n\nnot a field\n\n'), real]);
    expect(await read(readJournalExport(pieces(bytes, () => 100)))).toMatchObject({
      items: 5,
      refused: ['1@0: __REALTIME_TIMESTAMP must be a number of microseconds', '2@17: "not a field" is no field'],
    });
  });
  it('is told by its content', () => expect(recognise(real, true, 'none').format).toBe('journal-export'));
});

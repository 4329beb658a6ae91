import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openJournalReader } from './journal-reader.ts';

const ROUNDS = 12;
const dir = mkdtempSync(path.join(tmpdir(), 'faultline-kill-'));

/** One life of a writer: kill -9 after so many acknowledgements. @returns the numbers it acknowledged */
async function live(
  first: number,
  acknowledgements: number,
  afterEach: (send: (position: number) => void) => Promise<void>,
): Promise<number[]> {
  const child = fork(path.join(import.meta.dirname, 'test-journal-writer.ts'), [dir, String(first)], { execArgv: [] });
  const acknowledged: number[] = [];
  let following: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    child.on('message', (number) => {
      acknowledged.push(number as number);
      if (acknowledged.length % 20 === 0)
        following = following.then(() => afterEach((position) => child.connected && child.send(position, () => undefined)));
      if (acknowledged.length === acknowledgements) child.kill('SIGKILL');
    });
    child.once('error', reject);
    child.once('exit', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error('the writer ended by itself'))));
  });
  await following;
  return acknowledged;
}

it('a killed writer has lost nothing it acknowledged, round after round, while segments are recycled', async () => {
  const reader = await openJournalReader(dir, 0);
  const seen = new Set<number>();
  const bodies: boolean[] = [];
  const follow = async (): Promise<void> => {
    for (;;) {
      const records = await reader.read(1 << 20);
      if (records.length === 0) return;
      for (const { body } of records) {
        const number = Buffer.from(body).readUInt32LE(0);
        seen.add(number);
        bodies.push(body.length === 200 + (number % 40) * 500 && body.subarray(4).every((byte) => byte === number % 251));
      }
    }
  };
  const acknowledged: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = round * 1_000_000;
    acknowledged.push(
      ...(await live(first, 40 + ((round * 37) % 150), async (release) => {
        await follow();
        release(reader.position);
      })),
    );
  }
  await follow();
  await reader.close();
  rmSync(dir, { recursive: true, force: true });
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * 40);
  expect(acknowledged.filter((number) => !seen.has(number))).toEqual([]);
  expect(bodies).not.toContain(false);
}, 60_000);

import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { openJournal } from './journal.ts';

/** Appends numbered records until it is killed; says each number once it is acknowledged. For journal-kill.test.ts. */
const [dir = '', first = '0'] = process.argv.slice(2);
const journal = await openJournal(dir, { durability: 'sync', maxBytes: 1e9, segmentBytes: 256 * 1024, diskReserveBytes: 0 });
process.on('message', (position: number) => journal.release(position));
let next = Number(first);

async function appendForever(): Promise<void> {
  for (;;) {
    const number = next++;
    const body = Buffer.alloc(200 + (number % 40) * 500, number % 251);
    body.writeUInt32LE(number, 0);
    await journal.append({
      kind: RecordKind.logs,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      receivedUnixNano: 0n,
      retentionSeconds: 0,
      items: 1,
      source: 'otlp-http',
      meta: '',
      body,
    });
    process.send?.(number);
  }
}
await Promise.all([appendForever(), appendForever(), appendForever(), appendForever()]);

import { limitsSchema } from '#contracts/settings.ts';
import { logPayloads, metricPayloads, tracePayloads } from '../../bench/payloads.ts';
import { checkOtlp } from './check.ts';
import { decodeOtlp } from './decode.ts';
import { TestDictionary } from './test-dictionary.ts';

/** node collectors/otlp/decode.bench.ts: items per CPU second of the decoder and of the structural check; best of 7 rounds. */
const startUnixNano = 1_790_000_000_000_000_000n;
const limits = limitsSchema.parse({});
const perRequest = Number(process.argv[2] ?? 500);
const bodies = Math.max(4, Math.ceil(20_000 / perRequest));
const options = { seed: 7, bodies, items: perRequest, startUnixNano };
const context = { limits, receivedUnixNano: startUnixNano + 60_000_000_000n, retentionSeconds: 0, dictionary: new TestDictionary() };

function rate(kind: 'traces' | 'metrics' | 'logs', payloads: readonly Uint8Array[], work: (body: Uint8Array) => number): number {
  let best = 0;
  for (let round = 0; round < 7; round++) {
    let items = 0;
    const before = process.cpuUsage();
    for (let again = 0; again < 10; again++) for (const body of payloads) items += work(body);
    const { user, system } = process.cpuUsage(before);
    if (items === 0) throw new Error(`BUG: nothing decoded from ${kind}`);
    best = Math.max(best, items / ((user + system) / 1e6));
  }
  return best;
}
for (const [kind, payloads] of [
  ['traces', tracePayloads(options)],
  ['logs', logPayloads(options)],
  ['metrics', metricPayloads(options)],
] as const) {
  const bytesPerItem = payloads.reduce((sum, body) => sum + body.length, 0) / (payloads.length * perRequest);
  const decoded = rate(kind, payloads, (body) => decodeOtlp(kind, body, context).batches.reduce((rows, batch) => rows + batch.rows, 0));
  const lent = rate(kind, payloads, (body) =>
    decodeOtlp(kind, body, { ...context, lend: true }).batches.reduce((rows, batch) => rows + batch.rows, 0),
  );
  const checked = rate(kind, payloads, (body) => {
    const result = checkOtlp(kind, body, context);
    return result.ok ? result.items : 0;
  });
  const million = (value: number): string => (value / 1e6).toFixed(2).padStart(5);
  console.log(
    `${kind.padEnd(8)} ${perRequest}/request ${bytesPerItem.toFixed(0).padStart(4)} B/item  decode ${million(decoded)} M/s  lent ${million(lent)} M/s  check ${million(checked)} M/s`,
  );
}

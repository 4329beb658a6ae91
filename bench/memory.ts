import { cpuSecondsOf, type FaultlineProcess, startFaultline } from '../tests/app/faultline-process.ts';
import { httpSender, moveToNow, openLoop, type Payload, type Send } from './load.ts';
import { otlpPayloads, type Signal } from './otlp-payloads.ts';
import { MemoryWatch } from './resident.ts';
import type { Row, Scenario } from './run.ts';

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];
const RATES: Readonly<Record<Signal, number>> = { traces: 10_000, logs: 10_000, metrics: 20_000 };
const IDLE_MINUTES = 5;
/** The load's first minutes fill what a load needs: how flat it is counts from here on. */
const WARM_MINUTES = 5;
const CONNECTIONS = 2;
const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** As fast as it is taken; after a refusal a second's rest, as senders have it. @returns items acknowledged */
export async function saturate(send: Send, payloads: readonly Payload[], seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let items = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const payload = payloads[next++ % payloads.length] as Payload;
      moveToNow(payload);
      await send(payload).then(
        () => {
          items += payload.items;
        },
        () => wait(1000),
      );
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return items;
}

/** A minute of all three signals: at RATES, or at the limit. @returns items acknowledged */
async function sendMinute(faultline: FaultlineProcess, isSaturated: boolean): Promise<number> {
  const loads = SIGNALS.map((signal) => {
    const send = httpSender(`${faultline.ingest}/v1/${signal}`, { 'content-type': 'application/x-protobuf' }, 4);
    const payloads = otlpPayloads(signal, { items: 16_000, perRequest: 500, startMs: Date.now() });
    return isSaturated ? saturate(send, payloads, 60) : openLoop(send, payloads, RATES[signal], 60).then(({ items }) => items);
  });
  return (await Promise.all(loads)).reduce((sum, items) => sum + items, 0);
}

async function measure(count: number, isSaturated: boolean): Promise<Row[]> {
  const faultline = await startFaultline({ args: ['--no-ui'] });
  const watch = new MemoryWatch(faultline);
  const rows: Row[] = [];
  /** Printed as they come: half an hour is long, and what was seen before a run was cut short counts too. */
  const tell = (row: Row): void => {
    rows.push(row);
    process.stderr.write(
      `${Object.entries(row)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')}\n`,
    );
  };
  try {
    await wait(20_000);
    tell({ minute: 0, 'k items/s': 0, 'CPU s': Math.round(cpuSecondsOf(faultline.pid)), ...watch.row() });
    for (let minute = 1; minute <= count; minute++) {
      const before = cpuSecondsOf(faultline.pid);
      const items = await sendMinute(faultline, isSaturated);
      const cpu = Math.round(cpuSecondsOf(faultline.pid) - before);
      tell({ minute, 'k items/s': Math.round(items / 60_000), 'CPU s': cpu, ...watch.row() });
    }
    for (const row of watch.spread(count > WARM_MINUTES ? WARM_MINUTES + 1 : 1)) tell(row);
    for (let minute = 1; minute <= IDLE_MINUTES; minute++) {
      const before = cpuSecondsOf(faultline.pid);
      await wait(60_000);
      tell({ minute: `idle +${minute}`, 'k items/s': 0, 'CPU s': Math.round(cpuSecondsOf(faultline.pid) - before), ...watch.row() });
    }
    return rows;
  } finally {
    watch.stop();
    await faultline.stop();
  }
}

/** Resident memory each minute of mixed load, and the minutes after it ended. */
export const memory: Scenario = {
  name: 'memory',
  about: 'mixed load (10 k spans, 10 k logs, 20 k points a second) for 10 minutes; RSS by minute and process',
  run: ({ quick }) => measure(quick ? 2 : 10, false),
};
/** The same at the limit of the machine. */
export const saturation: Scenario = {
  name: 'saturation',
  about:
    'spans, logs and points as fast as two connections each take them for 30 minutes; RSS by minute and process, how flat from minute 6 on, and idle afterwards',
  run: ({ quick }) => measure(quick ? 2 : 30, true),
};

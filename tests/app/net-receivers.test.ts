import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventTime, msgpack } from '../fixtures/encode-msgpack.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

/** Receivers with ports of their own, through the whole program: sent, killed in between, asked for in SQL, on the console. */
let faultline: FaultlineProcess;
beforeAll(async () => {
  faultline = await startFaultline({
    args: [
      '--syslog',
      '0',
      '--syslog-time-zone',
      'Europe/Berlin',
      '--fluent',
      '127.0.0.1:0',
      '--statsd',
      '127.0.0.1:0',
      '--statsd-flush',
      '1s',
    ],
  });
});
afterAll(() => faultline.stop());
const portOf = (name: string): number => Number(faultline.listeners?.[name]?.split(':').at(-1));
const sourceOf = async (name: string) => {
  const { sources } = (await (await faultline.fetch('/console/sources')).json()) as { sources: { source: string }[] };
  return sources.find((each) => each.source === name);
};
async function datagrams(name: string, texts: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const text of texts) await new Promise((done) => socket.send(text, portOf(name), '127.0.0.1', done));
  await new Promise<void>((done) => socket.close(() => done()));
}
const stream = (name: string, bytes: string): Promise<void> =>
  new Promise((done, fail) => {
    const socket = connect(portOf(name), '127.0.0.1', () => socket.end(bytes));
    socket.on('close', () => done()).on('error', fail);
    socket.resume();
  });
async function killCollector(): Promise<void> {
  const { collector } = faultline.pids();
  process.kill(collector as number, 'SIGKILL');
  await expect.poll(() => faultline.pids()['collector'] ?? collector, { timeout: 20_000 }).not.toBe(collector);
}

describe('syslog', () => {
  const now = new Date();
  const LINES = 2_000;
  it('comes in by UDP and TCP, and what was counted as taken in survives kill -9', async () => {
    const header = `<155>1 ${now.toISOString()} box web 4711 ID7 [origin ip="192.0.2.9" swVersion="1.2"][zoo@1 tiger="hungry"]`;
    await datagrams('syslog', [`${header} größe: no stock`, '\x01\x02']);
    await stream('syslog', Array.from({ length: LINES }, (_, i) => `<30>line: ${i}\n`).join(''));
    await expect
      .poll(() => sourceOf('syslog'), { timeout: 20_000 })
      .toMatchObject({
        kind: 'syslog',
        address: faultline.listeners?.['syslog'],
        accepted: { logs: { items: LINES + 1 } },
        refused: { malformed: 1 },
      });
    expect(await (await faultline.fetch('/metrics')).text()).toMatch(/faultline_refused\w*\{source="syslog",reason="malformed"\} 1/);
    await killCollector();
    await faultline.flush();
    const rows = await faultline.sql(
      `SELECT l.service, severity_number AS severity, severity_text AS level, body, epoch_ms(time) AS ms, l.attributes['syslog.facility'] AS facility,
        l.attributes['syslog.procid'] AS procid, l.attributes['syslog.msgid'] AS msgid, l.attributes['syslog.zoo@1.tiger'] AS tiger,
        l.attributes['client.address'] AS client, l.attributes['network.peer.address'] AS peer, r.attributes['host.name'] AS host,
        r.attributes['service.version'] AS version FROM logs l JOIN resources r USING (resource_id) WHERE l.service = 'web'`,
    );
    expect(rows).toMatchObject([
      {
        ...{ service: 'web', severity: 17, level: 'err', body: 'größe: no stock', facility: 'local3', procid: '4711', msgid: 'ID7' },
        ...{ tiger: 'hungry', client: '192.0.2.9', peer: '127.0.0.1', host: 'box', version: '1.2', ms: BigInt(now.getTime()) },
      },
    ]);
    const [count] = await faultline.sql(
      `SELECT count(DISTINCT body)::INT AS bodies, count(*)::INT AS rows FROM logs WHERE service = 'line'`,
    );
    expect(count).toEqual({ bodies: LINES, rows: LINES });
  });
  it('comes back on its port', async () => {
    await expect
      .poll(
        () =>
          stream('syslog', '<13>Nov 21 19:34:12 old back: again\n').then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await expect.poll(() => sourceOf('syslog'), { timeout: 20_000 }).toMatchObject({ accepted: { logs: { items: 1 } } });
  });
});

describe('Fluent Forward', () => {
  const CHUNKS = 120;
  const ENTRIES = 20;
  const tick = BigInt(Date.now()) * 1_000_000n;
  const chunk = (number: number): Buffer => {
    const entries = Array.from({ length: ENTRIES }, (_, i) => {
      const ns = tick + BigInt(number * ENTRIES + i);
      return msgpack([eventTime(Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)), { log: `entry ${number}/${i}`, level: 'warn' }]);
    });
    const packed = Buffer.concat(entries);
    const option = { chunk: `c${number}` };
    return msgpack(number % 2 ? ['app.web', packed, option] : ['app.web', gzipSync(packed), { ...option, compressed: 'gzip' }]);
  };
  /** As a sender with a buffer: each chunk is sent again, on a new connection, until it is acknowledged. */
  async function deliver(onAcknowledged: (count: number) => void): Promise<{ sent: number; acknowledged: Set<string> }> {
    const acknowledged = new Set<string>();
    let sent = 0;
    while (acknowledged.size < CHUNKS) {
      await new Promise<void>((gone) => {
        const socket: Socket = connect(portOf('fluent'), '127.0.0.1');
        let received = '';
        let next = 0;
        const send = (): void => {
          while (next < CHUNKS && acknowledged.has(`c${next}`)) next++;
          if (next === CHUNKS) return;
          sent++;
          socket.write(chunk(next++));
        };
        socket.on('connect', () => [1, 2, 3, 4].forEach(send));
        socket.on('data', (bytes) => {
          received += bytes.toString('latin1');
          for (const [, id] of received.matchAll(/ack.(c\d+)(?=\x81|$)/gs)) {
            if (acknowledged.has(id as string)) continue;
            acknowledged.add(id as string);
            onAcknowledged(acknowledged.size);
            send();
          }
          if (acknowledged.size === CHUNKS) socket.end();
        });
        socket.on('error', () => undefined).on('close', () => setTimeout(gone, 50));
      });
    }
    return { sent, acknowledged };
  }
  it('every acknowledged chunk is stored, through kill -9 of the collector; what is there twice was sent twice', async () => {
    const kills: Promise<void>[] = [];
    const { sent, acknowledged } = await deliver((count) => {
      if (count === 30 || count === 80) kills.push(killCollector());
    });
    await Promise.all(kills);
    expect([acknowledged.size, kills.length]).toEqual([CHUNKS, 2]);
    await faultline.flush();
    const [count] = await faultline.sql(
      `SELECT count(DISTINCT body)::INT AS bodies, count(*)::INT AS rows, min(severity_number)::INT AS severity, count(DISTINCT time)::INT AS times
       FROM logs WHERE service = 'app.web' AND attributes['fluent.tag'] = 'app.web'`,
    );
    expect(count).toMatchObject({ bodies: CHUNKS * ENTRIES, times: CHUNKS * ENTRIES, severity: 13 });
    expect(Number(count?.['rows'])).toBeLessThanOrEqual(sent * ENTRIES);
    expect(await sourceOf('fluent')).toMatchObject({ kind: 'fluent', address: faultline.listeners?.['fluent'], refused: {} });
  });
});

describe('StatsD', () => {
  const sent = { hits: 0 };
  const total = async (metric: string): Promise<number> => {
    const [row] = await faultline.sql(
      `SELECT coalesce(sum(value), 0)::DOUBLE AS total FROM samples JOIN series USING (series_id) WHERE metric = '${metric}'`,
    );
    return Number(row?.['total']);
  };
  it('becomes points: what was counted is what was sent', async () => {
    const tags = '#service:cart,env:prod,route:/pay';
    await datagrams('statsd', [
      `temp:20|g|${tags}\ntemp:+1.5|g|${tags}\nusers:ann|s|${tags}\nusers:bob|s|${tags}\nlatency:120:80|ms|@0.5|${tags}`,
    ]);
    for (let round = 0; round < 3; round++) {
      await datagrams(
        'statsd',
        Array.from({ length: 100 }, () => `hits:1|c|${tags}\nhits:2|c|@0.5|${tags}`),
      );
      sent.hits += 500;
      await new Promise((done) => setTimeout(done, 700));
    }
    await expect.poll(() => total('hits'), { timeout: 20_000 }).toBe(sent.hits);
    const rows = await faultline.sql(
      `SELECT metric, type, temporality, monotonic, unit, s.service, value, s.attributes['route'] AS route, r.attributes['deployment.environment.name'] AS env
       FROM series s JOIN resources r USING (resource_id) JOIN samples USING (series_id) WHERE metric IN ('temp', 'users') ORDER BY metric`,
    );
    const of = { type: 'gauge', temporality: '', service: 'cart', route: '/pay', env: 'prod' };
    expect(rows).toMatchObject([
      { ...of, metric: 'temp', value: 21.5 },
      { ...of, metric: 'users', value: 2 },
    ]);
    const [latency] = await faultline.sql(
      `SELECT type, temporality, unit, count::INT AS count, sum, min, max FROM histograms JOIN series USING (series_id) WHERE metric = 'latency'`,
    );
    expect(latency).toEqual({ type: 'histogram', temporality: 'delta', unit: 'ms', count: 4, sum: 400, min: 80, max: 120 });
    const [hits] = await faultline.sql(`SELECT type, temporality, monotonic FROM series WHERE metric = 'hits'`);
    expect(hits).toEqual({ type: 'sum', temporality: 'delta', monotonic: true });
  });
  it('what is stored survives kill -9, and counting goes on', async () => {
    await killCollector();
    await expect
      .poll(
        () =>
          stream('statsd', 'hits:1|c|#service:cart\n').then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await expect.poll(() => total('hits'), { timeout: 20_000 }).toBe(sent.hits + 1);
  });
});

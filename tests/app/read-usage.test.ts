import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUsage } from '#store/read/read-usage.ts';
import { TestStore } from '#store/test-store.ts';
import { StoreFeed } from './feed-store.ts';

/** Decoders, store and statement over telemetry whose sums a person can do. */
const START = Date.UTC(2026, 10, 21, 10);
const HOUR = 3_600_000;
const MINUTE = 60_000;
const SHOP = { 'service.name': 'cart', 'host.name': 'n1', 'k8s.pod.name': 'cart-7f', 'cloud.provider': 'aws', 'cloud.region': 'eu-west-1' };
let test: TestStore;
let feed: StoreFeed;
beforeEach(async () => {
  test = new TestStore();
  feed = new StoreFeed(await test.open());
});
afterEach(() => test.end());
const minutes = (from: number, to: number, each: (atMs: number, minute: number) => void): void => {
  for (let minute = from; minute <= to; minute++) each(START + minute * MINUTE, minute);
};
const read = (part: Partial<{ startMs: number; endMs: number; stepMs: number }> = {}) =>
  readUsage(test.store, { startMs: START, endMs: START + HOUR, ...part });

describe('readUsage', () => {
  it('integrates OTLP process metrics', async () => {
    minutes(-1, 60, (at, minute) =>
      feed.otlp(at, SHOP, [
        { name: 'process.cpu.time', value: 100 + minute * 15, counter: true, attributes: { 'cpu.mode': 'user' } },
        { name: 'process.cpu.time', value: 7 + minute * 15, counter: true, attributes: { 'cpu.mode': 'system' } },
        { name: 'process.memory.usage', value: 2 * 1024 ** 3 },
      ]),
    );
    const { services } = await read();
    expect(services).toHaveLength(1);
    expect(services[0]).toMatchObject({ service: 'cart', node: 'n1', startMs: START, endMs: START + HOUR, cpuRequestedCoreHours: null });
    expect(services[0]?.cpuCoreHours).toBeCloseTo(0.5, 9);
    expect(services[0]?.memoryGiBHours).toBeCloseTo(2, 9);
  });
  it('takes a counter that begins again for what it shows', async () => {
    minutes(-1, 59, (at, minute) =>
      feed.otlp(at, SHOP, [{ name: 'process.cpu.time', value: minute < 30 ? 1000 + minute : minute - 30, counter: true }]),
    );
    expect((await read()).services[0]?.cpuCoreHours).toBeCloseTo(58 / 3600, 9);
  });
  it('believes cAdvisor over the process, never adds them, and finds the service of a pod', async () => {
    minutes(-1, 60, (at, minute) => {
      feed.otlp(at, SHOP, [{ name: 'process.cpu.time', value: minute * 6, counter: true }]);
      feed.scrape(
        at,
        `# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{pod="cart-7f",container="app"} ${minute * 30 + 100}
container_cpu_usage_seconds_total{pod="cart-7f",container=""} ${minute * 31 + 100}
container_cpu_usage_seconds_total{pod="cart-7f",container="POD"} ${minute + 100}
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{pod="cart-7f",container="app"} 1073741824
# TYPE kube_pod_container_resource_requests gauge
kube_pod_container_resource_requests{pod="cart-7f",container="app",resource="cpu",unit="core"} 0.75
kube_pod_container_resource_requests{pod="cart-7f",container="app",resource="memory",unit="byte"} 536870912
`,
        { node: 'n1' },
      );
    });
    const { services } = await read();
    expect(services.map((row) => [row.service, row.node])).toEqual([['cart', 'n1']]);
    expect(services[0]?.cpuCoreHours).toBeCloseTo(0.5, 9);
    expect(services[0]?.cpuRequestedCoreHours).toBeCloseTo(0.75, 9);
    expect(services[0]?.memoryGiBHours).toBeCloseTo(1, 9);
    expect(services[0]?.memoryRequestedGiBHours).toBeCloseTo(0.5, 9);
  });
  it.each([
    ['begins', 32],
    ['ends', -1],
  ])('shows neither a dip nor a spike where the better source %s', async (what, from) => {
    const until = what === 'ends' ? 33 : 60;
    minutes(-1, 60, (at, minute) => {
      for (const seconds of [0, 20, 40]) feed.otlp(at + seconds * 1000, SHOP, [{ name: 'container.cpu.usage', value: 0.5 }]);
      if (minute >= from && minute <= until)
        feed.scrape(
          at + 5_000,
          `# TYPE container_cpu_usage_seconds_total counter\ncontainer_cpu_usage_seconds_total{pod="cart-7f",container="app"} ${minute * 30}\n`,
          { node: 'n1' },
        );
    });
    // Half a core by both, all the time: so says every minute, but for where intervals of a minute meet cells of one.
    const { services } = await read({ stepMs: MINUTE });
    expect(services).toHaveLength(60);
    expect(
      services.filter(({ cpuCoreHours }) => Math.abs(cpuCoreHours * 60 - 0.5) > 0.05).map(({ startMs }) => (startMs - START) / MINUTE),
    ).toEqual([]);
    expect((await read()).services[0]?.cpuCoreHours).toBeCloseTo(0.5, 2);
  });
  it('gives rows per step that add up to the hour', async () => {
    minutes(-1, 60, (at, minute) => feed.otlp(at, SHOP, [{ name: 'process.cpu.time', value: minute ** 2, counter: true }]));
    const whole = (await read()).services[0]?.cpuCoreHours ?? 0;
    const parts = (await read({ stepMs: 10 * MINUTE })).services;
    expect(parts).toHaveLength(6);
    expect(parts.reduce((sum, row) => sum + row.cpuCoreHours, 0)).toBeCloseTo(whole, 9);
  });
  it('turns a share of the host into cores of the host', async () => {
    minutes(-1, 60, (at) => {
      feed.otlp(at, SHOP, [{ name: 'process.cpu.utilization', value: 0.25 }]);
      feed.otlp(at, { 'host.name': 'n1' }, [{ name: 'system.cpu.logical.count', value: 4 }]);
    });
    expect((await read()).services[0]?.cpuCoreHours).toBeCloseTo(1, 9);
  });

  it('reads the size and use of a node from node_exporter, and its place from what runs on it', async () => {
    minutes(-1, 30, (at, minute) => {
      feed.otlp(at, { ...SHOP, 'host.type': 'm6i.xlarge' }, [{ name: 'process.cpu.time', value: minute, counter: true }]);
      const modes = [0, 1].map(
        (core) =>
          `node_cpu_seconds_total{cpu="${core}",mode="idle"} ${minute * 45}\nnode_cpu_seconds_total{cpu="${core}",mode="user"} ${minute * 15}\n`,
      );
      feed.scrape(
        at,
        `# TYPE node_cpu_seconds_total counter\n${modes.join('')}# TYPE node_memory_MemTotal_bytes gauge\nnode_memory_MemTotal_bytes 8589934592\n`,
        { instance: 'n1:9100' },
      );
    });
    const { nodes } = await read();
    expect(nodes).toHaveLength(1);
    expect(nodes[0]).toMatchObject({
      node: 'n1',
      vcpus: 2,
      memoryGiB: 8,
      provider: 'aws',
      region: 'eu-west-1',
      instanceType: 'm6i.xlarge',
    });
    expect(nodes[0]?.cpuUtilization).toBeCloseTo(0.25, 9);
    // It was heard until half past.
    expect([nodes[0]?.startMs, nodes[0]?.endMs]).toEqual([START, START + 30 * MINUTE]);
  });
  it('reads a node from the host metrics of OpenTelemetry, also without a count of its cores', async () => {
    minutes(-1, 60, (at, minute) =>
      feed.otlp(at, { 'host.name': 'n2' }, [
        ...['cpu0', 'cpu1', 'cpu2'].flatMap((cpu) => [
          { name: 'system.cpu.time', value: minute * 54, counter: true, attributes: { cpu, state: 'idle' } },
          { name: 'system.cpu.time', value: minute * 6, counter: true, attributes: { cpu, state: 'user' } },
        ]),
        { name: 'system.memory.usage', value: 3 * 1024 ** 3, attributes: { state: 'used' } },
        { name: 'system.memory.usage', value: 1024 ** 3, attributes: { state: 'free' } },
      ]),
    );
    const { nodes } = await read({ stepMs: 30 * MINUTE });
    expect(nodes.map((row) => [row.node, row.vcpus, row.memoryGiB])).toEqual([
      ['n2', 3, 4],
      ['n2', 3, 4],
    ]);
    expect(nodes[1]?.cpuUtilization).toBeCloseTo(0.1, 9);
  });
  it('says nothing of an empty store', async () => {
    expect(await read()).toMatchObject({ nodes: [], services: [] });
  });
  it('has statements that a user may run', async () => {
    const usage = await read();
    for (const sql of [usage.nodeQuery, usage.serviceQuery]) await expect(test.store.userQuery(sql)).resolves.toBeDefined();
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { openJournal } from '#collectors/pipeline/journal.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { startHostMetrics } from './host-metrics.ts';
import { HostSampler } from './host-sample.ts';
import {
  readDiskstats,
  readMeminfo,
  readMounts,
  readNetDev,
  readProcessIo,
  readProcessStat,
  readStat,
  readVmstat,
  roleOf,
} from './read-proc.ts';
import type { Metric } from './write-metrics.ts';

const STAT =
  'cpu  3469377 122748 615080 1068304 17003 0 14407 41970 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\ncpu1 1 0 0 0 0 0 0 0 0 0\nintr 5 0\nbtime 1795266455\nprocesses 7\n';
const DISKSTATS =
  '   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n 254       0 vda 1499183 10 25036130 708451 3881233 5 1149292265 3323356 0 1293528 4031807 0 0 0 0\n';
const NET =
  'Inter-|   Receive |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: 100 2 0 1 0 0 0 0 300 4 5 6 0 0 0 0\neth0:7 8 0 0 0 0 0 0 9 10 0 0 0 0 0 0\n';
const MOUNTS =
  'proc /proc proc rw 0 0\n/dev/vda / ext4 rw,relatime 0 0\n/dev/vda /bind ext4 rw 0 0\n/dev/sdb1 /mnt/a\\040b vfat ro,nosuid 0 0\ntmpfs /run tmpfs rw 0 0\nserver:/x /nfs nfs4 rw 0 0\n/dev/fuse /f fuse rw 0 0\n';
const TYPES = 'nodev\tsysfs\nnodev\ttmpfs\n\text4\n\tvfat\nnodev\tnfs4\nnodev\tfuse\n';
const PROCESS = `77 (a) b (c) S 1 1 1 0 -1 4194560 100 0 3 0 250 50 0 0 20 0 11 0 12345 104857600 2048 ${'0 '.repeat(28).trim()}\n`;

describe('/proc', () => {
  it('stat: seconds of all CPUs by mode, CPUs, boot time', () => {
    expect(readStat(STAT)).toEqual({
      seconds: { user: 34693.77, nice: 1227.48, system: 6150.8, idle: 10683.04, iowait: 170.03, interrupt: 144.07, steal: 419.7 },
      bootSeconds: 1_795_266_455,
      cpus: 2,
    });
  });
  it('diskstats: operations, bytes of 512 to the sector, seconds', () => {
    expect(readDiskstats(DISKSTATS)[1]).toEqual({
      device: 'vda',
      readOperations: 1_499_183,
      readBytes: 25_036_130 * 512,
      readSeconds: 708.451,
      writeOperations: 3_881_233,
      writeBytes: 1_149_292_265 * 512,
      writeSeconds: 3323.356,
      busySeconds: 1293.528,
    });
  });
  it('net/dev, also without a blank behind the name', () => {
    expect(readNetDev(NET)).toEqual([
      {
        name: 'lo',
        receive: { bytes: 100, packets: 2, errors: 0, dropped: 1 },
        transmit: { bytes: 300, packets: 4, errors: 5, dropped: 6 },
      },
      {
        name: 'eth0',
        receive: { bytes: 7, packets: 8, errors: 0, dropped: 0 },
        transmit: { bytes: 9, packets: 10, errors: 0, dropped: 0 },
      },
    ]);
  });
  it('mounts: devices of this machine, each once; nothing in memory, nothing of others', () => {
    expect(readMounts(MOUNTS, TYPES)).toEqual([
      { device: '/dev/vda', mountpoint: '/', type: 'ext4', mode: 'rw' },
      { device: '/dev/sdb1', mountpoint: '/mnt/a b', type: 'vfat', mode: 'ro' },
    ]);
  });
  it('meminfo and vmstat', () => {
    expect([...readMeminfo('MemTotal:       1024 kB\nHugePages_Total:       0\nActive(anon):  2 kB\n')]).toEqual([
      ['MemTotal', 1_048_576],
      ['Active(anon)', 2_048],
    ]);
    expect(readVmstat('pgfault 5\npgmajfault 1\n').get('pgfault')).toBe(5);
  });
  it('PID/stat: the name may hold blanks and brackets', () => {
    expect(readProcessStat(PROCESS, 4096)).toEqual({
      userSeconds: 2.5,
      systemSeconds: 0.5,
      threads: 11,
      startedSeconds: 123.45,
      virtualBytes: 104_857_600,
      residentBytes: 2048 * 4096,
    });
    expect(readProcessIo('rchar: 9\nread_bytes: 4096\nwrite_bytes: 0\n')).toEqual({ readBytes: 4096, writeBytes: 0 });
    const lines = ['node\0/x/main/collector/main.ts\0', '/out/engine.js', 'node\0/out/importer.js\0', 'vim\0collector.txt', ''];
    expect(lines.map(roleOf)).toEqual(['collector', 'engine', 'importer', '', '']);
  });
  it('hostile: whatever stands there, nothing throws and no number is none', () => {
    const texts = [STAT, DISKSTATS, NET, MOUNTS, PROCESS];
    for (let seed = 1; seed <= 2_000; seed++) {
      const rng = seededRng(seed);
      let text = texts[Math.floor(rng() * texts.length)] as string;
      for (let i = 0; i < 3; i++) {
        const at = Math.floor(rng() * text.length);
        text =
          text.slice(0, at) +
          ['', '-', 'x', '\n', ' ', '9'.repeat(30), '\0', '\ufffd'][Math.floor(rng() * 8)] +
          text.slice(at + Math.floor(rng() * 9));
      }
      const numbers = JSON.stringify([
        readDiskstats(text),
        readNetDev(text),
        readMounts(text, TYPES),
        [...readMeminfo(text)],
        readProcessIo(text),
      ]);
      expect(numbers).not.toContain('null,');
      readStat(text);
      readProcessStat(text, 4096);
    }
  });
});

const named = (metrics: readonly Metric[], name: string): Metric => metrics.find((metric) => metric.name === name) as Metric;
const total = ({ points }: Metric): number => points.reduce((sum, { value }) => sum + value, 0);

describe('this machine', () => {
  it('as node:os knows it too: CPUs, memory that adds up, shares that make one', async () => {
    const sampler = new HostSampler(tmpdir());
    await sampler.take();
    const [host] = await sampler.take();
    const metrics = host?.metrics ?? [];
    expect(total(named(metrics, 'system.cpu.logical.count'))).toBe(os.cpus().length);
    expect(total(named(metrics, 'system.memory.limit'))).toBe(os.totalmem());
    expect(total(named(metrics, 'system.memory.usage'))).toBe(os.totalmem());
    expect(total(named(metrics, 'system.memory.utilization'))).toBeCloseTo(1, 6);
    const shares = named(metrics, 'system.cpu.utilization');
    if (shares.points.length > 0) expect(total(shares)).toBeCloseTo(1, 6);
    expect(named(metrics, 'system.filesystem.usage').points.length).toBeGreaterThan(0);
    expect(total(named(metrics, 'system.filesystem.usage'))).toBe(total(named(metrics, 'system.filesystem.limit')));
  });
  it.runIf(process.platform === 'linux')('this process among its own', async () => {
    const groups = await new HostSampler(tmpdir()).take();
    const own = groups.find(({ resource }) => resource.some(([key, value]) => key === 'process.pid' && value === process.pid));
    const bytes = total(named(own?.metrics ?? [], 'process.memory.usage'));
    expect(bytes / process.memoryUsage.rss()).toBeGreaterThan(0.5);
    expect(bytes / process.memoryUsage.rss()).toBeLessThan(2);
  });
});

describe('host metrics', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'faultline-host-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  it('go into the journal as OTLP the check takes, with as many points as it says', async () => {
    const journal = await openJournal(root, { durability: 'none', maxBytes: 1e9, diskReserveBytes: 0 });
    const options = {
      intervalMs: 60_000,
      dataDir: root,
      retentionSeconds: 0,
      nowMs: Date.now,
      log: (line: string) => expect.unreachable(line),
    };
    const host = startHostMetrics({ ...options, append: (entry) => journal.append(entry) });
    await expect.poll(() => host.status().accepted.metrics.requests, { timeout: 10_000 }).toBe(1);
    await host.stop();
    await host.stop();
    await journal.close();
    const reader = await openJournalReader(root, 0);
    const [record] = await reader.read(1 << 20);
    await reader.close();
    const limits = limitsSchema.parse({});
    const judge = { limits, receivedUnixNano: record?.receivedUnixNano ?? 0n, retentionSeconds: 0 };
    const body = record?.body as Uint8Array;
    expect(record?.source).toBe('host');
    expect(checkOtlp('metrics', body, judge)).toMatchObject({ ok: true, rejected: 0, items: record?.items });
    const decoded = decodeOtlp('metrics', body, { ...judge, dictionary: new TestDictionary() });
    expect(decoded.batches.find(({ table }) => table === 'samples')?.rows).toBe(record?.items);
    expect([...decoded.dropped, ...decoded.noted]).toEqual([]);
    expect(host.status()).toMatchObject({ state: 'stopped', accepted: { metrics: { items: record?.items } } });
  });
});

import { readdir, readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import {
  type CpuFacts,
  type CpuMode,
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
import type { Attributes, Metric, MetricGroup, Point } from './write-metrics.ts';

/**
 * The machine as OpenTelemetry's semantic conventions name it (system.*, process.*; status: development, names of v1.38). Linux: from
 * /proc; elsewhere what node:os knows: CPU, memory, load, one file system.
 */
const MAX_DEVICES = 64;
const STATFS_MS = 2_000;
const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

const one = (value: number, ...attributes: Attributes): Point => ({ attributes, value });
const metricOf =
  (kind: Metric['kind']) =>
  (name: string, unit: string, points: readonly Point[]): Metric => ({
    name,
    unit,
    kind,
    points: points.filter(({ value }) => Number.isFinite(value)),
  });
const gauge = metricOf('gauge');
const sum = metricOf('sum');
const counter = metricOf('counter');

export class HostSampler {
  private before: CpuFacts | null = null;
  /** 0 = not known yet. */
  private pageBytes = 0;
  private readonly dataDir: string;

  /** @param dataDir its file system is told of where mounts cannot be listed */
  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }
  /** @returns what can be read; never throws */
  async take(): Promise<MetricGroup[]> {
    const linux = process.platform === 'linux';
    const cpu = (linux ? readStat(await text('/proc/stat')) : null) ?? portableCpu();
    const load = process.platform === 'win32' ? [] : os.loadavg();
    const metrics: Metric[] = [
      ...this.cpuMetrics(cpu),
      ...['1m', '5m', '15m'].map((span, i) =>
        gauge(`system.cpu.load_average.${span}`, '{thread}', load[i] === undefined ? [] : [one(load[i])]),
      ),
      gauge('system.uptime', 's', [one(os.uptime())]),
      ...(linux ? [...(await linuxMemory()), ...(await disks()), ...(await networks())] : portableMemory()),
      ...(await filesystems(linux ? await mountsOf() : [], this.dataDir)),
    ];
    const resource: Attributes = [
      ['host.name', os.hostname()],
      ['host.arch', os.arch() === 'x64' ? 'amd64' : os.arch()],
      ['os.type', process.platform === 'win32' ? 'windows' : process.platform],
    ];
    const host = { resource, startNs: BigInt(Math.round(cpu.bootSeconds)) * 1_000_000_000n, metrics };
    return [host, ...(linux ? await this.ownProcesses(cpu.bootSeconds) : [portableProcess()])];
  }

  private cpuMetrics(cpu: CpuFacts): Metric[] {
    const { before } = this;
    this.before = cpu;
    const modes = Object.entries(cpu.seconds) as [CpuMode, number][];
    const grown = modes.map(([mode, seconds]) => [mode, Math.max(0, seconds - (before?.seconds[mode] ?? 0))] as const);
    const total = grown.reduce((all, [, seconds]) => all + seconds, 0);
    return [
      counter(
        'system.cpu.time',
        's',
        modes.map(([mode, seconds]) => one(seconds, ['cpu.mode', mode])),
      ),
      gauge(
        'system.cpu.utilization',
        '1',
        before === null || total === 0 ? [] : grown.map(([mode, seconds]) => one(seconds / total, ['cpu.mode', mode])),
      ),
      sum('system.cpu.logical.count', '{cpu}', [one(cpu.cpus)]),
    ];
  }

  /** The process that started us and what else it started. */
  private async ownProcesses(bootSeconds: number): Promise<MetricGroup[]> {
    const parent = process.ppid;
    const children = (await text(`/proc/${parent}/task/${parent}/children`)).trim().split(' ').filter(Boolean).map(Number);
    const groups = await Promise.all(
      [...new Set([process.pid, parent, ...children])].slice(0, MAX_DEVICES).map((pid) => this.processOf(pid, parent, bootSeconds)),
    );
    return groups.filter((group) => group !== null);
  }
  private async processOf(pid: number, parent: number, bootSeconds: number): Promise<MetricGroup | null> {
    // After the supervisor's end we belong to the system, which is none of ours.
    if (pid <= 1) return null;
    const role = pid === process.pid ? 'collector' : pid === parent ? 'supervisor' : roleOf(await text(`/proc/${pid}/cmdline`));
    if (role === '') return null;
    const [stat, io, files] = await Promise.all([
      text(`/proc/${pid}/stat`),
      text(`/proc/${pid}/io`),
      readdir(`/proc/${pid}/fd`).catch(() => null),
    ]);
    this.pageBytes ||= pageBytesBy(await text('/proc/self/stat'));
    const facts = readProcessStat(stat, this.pageBytes);
    if (facts === null) return null;
    const disk = readProcessIo(io);
    return {
      resource: processResource(pid, role),
      startNs: BigInt(Math.round((bootSeconds + facts.startedSeconds) * 1000)) * 1_000_000n,
      metrics: [
        ...processMetrics(facts.userSeconds, facts.systemSeconds, facts.residentBytes),
        sum('process.memory.virtual', 'By', [one(facts.virtualBytes)]),
        sum('process.thread.count', '{thread}', [one(facts.threads)]),
        sum('process.unix.file_descriptor.count', '{file_descriptor}', files ? [one(files.length)] : []),
        gauge('process.uptime', 's', [one(Math.max(0, os.uptime() - facts.startedSeconds))]),
        counter(
          'process.disk.io',
          'By',
          disk ? [one(disk.readBytes, ['disk.io.direction', 'read']), one(disk.writeBytes, ['disk.io.direction', 'write'])] : [],
        ),
      ],
    };
  }
}
/** Pages are 4 KiB but on some ARM and POWER kernels, and Node does not say: its own bytes beside the kernel's count of pages do. */
function pageBytesBy(ownStat: string): number {
  const pages = readProcessStat(ownStat, 1)?.residentBytes ?? 0;
  return pages > 0 ? 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages)) : 4096;
}
const processResource = (pid: number, role: string): Attributes => [
  ['service.name', 'faultline'],
  ['service.instance.id', role],
  ['host.name', os.hostname()],
  ['process.pid', pid],
];
const processMetrics = (userSeconds: number, systemSeconds: number, residentBytes: number): Metric[] => [
  counter('process.cpu.time', 's', [one(userSeconds, ['cpu.mode', 'user']), one(systemSeconds, ['cpu.mode', 'system'])]),
  sum('process.memory.usage', 'By', [one(residentBytes)]),
];
/** This one, as far as Node knows it. */
function portableProcess(): MetricGroup {
  const { user, system } = process.cpuUsage();
  const startMs = Date.now() - process.uptime() * 1000;
  return {
    resource: processResource(process.pid, 'collector'),
    startNs: BigInt(Math.round(startMs)) * 1_000_000n,
    metrics: [
      ...processMetrics(user / 1e6, system / 1e6, process.memoryUsage.rss()),
      gauge('process.uptime', 's', [one(process.uptime())]),
    ],
  };
}
function portableCpu(): CpuFacts {
  const seconds = { user: 0, nice: 0, system: 0, idle: 0, interrupt: 0 };
  const cpus = os.cpus();
  for (const { times } of cpus) {
    seconds.user += times.user / 1000;
    seconds.nice += times.nice / 1000;
    seconds.system += times.sys / 1000;
    seconds.idle += times.idle / 1000;
    seconds.interrupt += times.irq / 1000;
  }
  return { seconds, bootSeconds: Date.now() / 1000 - os.uptime(), cpus: cpus.length };
}

function memoryMetrics(total: number, states: readonly (readonly [string, number])[]): Metric[] {
  const points = (scale: number): Point[] => states.map(([state, bytes]) => one(bytes / scale, ['system.memory.state', state]));
  return [
    sum('system.memory.usage', 'By', points(1)),
    gauge('system.memory.utilization', '1', total > 0 ? points(total) : []),
    sum('system.memory.limit', 'By', [one(total)]),
  ];
}
function portableMemory(): Metric[] {
  const [total, free] = [os.totalmem(), os.freemem()];
  return memoryMetrics(total, [
    ['used', total - free],
    ['free', free],
  ]);
}
async function linuxMemory(): Promise<Metric[]> {
  const [meminfo, vmstat] = await Promise.all([text('/proc/meminfo').then(readMeminfo), text('/proc/vmstat').then(readVmstat)]);
  const of = (name: string): number => meminfo.get(name) ?? 0;
  const total = of('MemTotal');
  if (total === 0) return portableMemory();
  const [free, buffers] = [of('MemFree'), of('Buffers')];
  // What the kernel gives back when it is asked for counts as cached, as free(1) has it: the states add up to all there is.
  const cached = of('Cached') + of('SReclaimable');
  const swap = of('SwapTotal');
  const count = (name: string): number => vmstat.get(name) ?? 0;
  const [faults, major] = [count('pgfault'), count('pgmajfault')];
  const paging = (points: readonly Point[]): readonly Point[] => (vmstat.size === 0 ? [] : points);
  return [
    ...memoryMetrics(total, [
      ['used', Math.max(0, total - free - buffers - cached)],
      ['free', free],
      ['buffers', buffers],
      ['cached', cached],
    ]),
    sum('system.linux.memory.available', 'By', [one(of('MemAvailable'))]),
    sum('system.paging.usage', 'By', [
      one(swap - of('SwapFree'), ['system.paging.state', 'used']),
      one(of('SwapFree'), ['system.paging.state', 'free']),
    ]),
    counter(
      'system.paging.faults',
      '{fault}',
      paging([one(major, ['system.paging.fault.type', 'major']), one(faults - major, ['system.paging.fault.type', 'minor'])]),
    ),
    counter(
      'system.paging.operations',
      '{operation}',
      paging([one(count('pswpin'), ['system.paging.direction', 'in']), one(count('pswpout'), ['system.paging.direction', 'out'])]),
    ),
  ];
}
async function disks(): Promise<Metric[]> {
  // Partitions would count every byte twice.
  const [facts, whole] = await Promise.all([text('/proc/diskstats').then(readDiskstats), readdir('/sys/block').catch(() => null)]);
  const shown = facts
    .filter(({ device, readOperations, writeOperations }) => (whole?.includes(device) ?? true) && readOperations + writeOperations > 0)
    .slice(0, MAX_DEVICES);
  const both = (read: (disk: (typeof shown)[number]) => readonly [number, number]): Point[] =>
    shown.flatMap((disk) => {
      const [reads, writes] = read(disk);
      return [
        one(reads, ['system.device', disk.device], ['disk.io.direction', 'read']),
        one(writes, ['system.device', disk.device], ['disk.io.direction', 'write']),
      ];
    });
  return [
    counter(
      'system.disk.io',
      'By',
      both((disk) => [disk.readBytes, disk.writeBytes]),
    ),
    counter(
      'system.disk.operations',
      '{operation}',
      both((disk) => [disk.readOperations, disk.writeOperations]),
    ),
    counter(
      'system.disk.operation_time',
      's',
      both((disk) => [disk.readSeconds, disk.writeSeconds]),
    ),
    counter(
      'system.disk.io_time',
      's',
      shown.map(({ device, busySeconds }) => one(busySeconds, ['system.device', device])),
    ),
  ];
}
async function networks(): Promise<Metric[]> {
  const shown = readNetDev(await text('/proc/net/dev'))
    .filter(({ receive, transmit }) => receive.packets + transmit.packets > 0)
    .slice(0, MAX_DEVICES);
  const both = (key: 'bytes' | 'packets' | 'errors' | 'dropped', name: string): Point[] =>
    shown.flatMap((each) => [
      one(each.receive[key], [name, each.name], ['network.io.direction', 'receive']),
      one(each.transmit[key], [name, each.name], ['network.io.direction', 'transmit']),
    ]);
  return [
    counter('system.network.io', 'By', both('bytes', 'network.interface.name')),
    // The conventions name the interface of this one by another attribute.
    counter('system.network.packet.count', '{packet}', both('packets', 'system.device')),
    counter('system.network.packet.dropped', '{packet}', both('dropped', 'network.interface.name')),
    counter('system.network.errors', '{error}', both('errors', 'network.interface.name')),
  ];
}
async function mountsOf(): Promise<ReturnType<typeof readMounts>> {
  const [mounts, types] = await Promise.all([text('/proc/self/mounts'), text('/proc/filesystems')]);
  return readMounts(mounts, types).slice(0, MAX_DEVICES);
}
async function filesystems(mounts: ReturnType<typeof readMounts>, dataDir: string): Promise<Metric[]> {
  const places = mounts.length > 0 ? mounts.map((mount) => ({ at: mount.mountpoint, mount })) : [{ at: dataDir, mount: null }];
  const usage: Point[] = [];
  const utilization: Point[] = [];
  const limit: Point[] = [];
  await Promise.all(
    places.map(async ({ at, mount }) => {
      // A device that no longer answers must not stop the rest.
      const late = new Promise<null>((done) => setTimeout(done, STATFS_MS, null).unref());
      const facts = await Promise.race([statfs(at).catch(() => null), late]);
      if (!facts || facts.blocks === 0) return;
      const { bsize, blocks, bfree, bavail } = facts;
      const where: Attributes = mount
        ? [
            ['system.device', mount.device],
            ['system.filesystem.mountpoint', at],
            ['system.filesystem.type', mount.type],
            ['system.filesystem.mode', mount.mode],
          ]
        : [['system.filesystem.mountpoint', at]];
      for (const [state, count] of [
        ['used', blocks - bfree],
        ['free', bavail],
        ['reserved', bfree - bavail],
      ] as const) {
        usage.push(one(count * bsize, ...where, ['system.filesystem.state', state]));
        utilization.push(one(count / blocks, ...where, ['system.filesystem.state', state]));
      }
      limit.push(one(blocks * bsize, ...where));
    }),
  );
  return [
    sum('system.filesystem.usage', 'By', usage),
    gauge('system.filesystem.utilization', '1', utilization),
    sum('system.filesystem.limit', 'By', limit),
  ];
}

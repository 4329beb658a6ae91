/** What Linux says of itself in /proc, as numbers (proc(5), Documentation/admin-guide/iostats.rst). Pure; a line that is not as expected is left out. */
/** USER_HZ: what the kernel counts CPU time in for programs, whatever it does itself. */
const TICKS_PER_SECOND = 100;
const SECTOR_BYTES = 512;

export type CpuMode = 'user' | 'nice' | 'system' | 'idle' | 'iowait' | 'interrupt' | 'steal';
export interface CpuFacts {
  /** Seconds of all CPUs since the start of the system. */
  readonly seconds: Readonly<Partial<Record<CpuMode, number>>>;
  readonly bootSeconds: number;
  readonly cpus: number;
}
export function readStat(text: string): CpuFacts | null {
  const fields = /^cpu +(\d.*)$/m.exec(text)?.[1]?.split(' ').map(Number);
  if (!fields || fields.length < 4) return null;
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields.map(
    (ticks) => ticks / TICKS_PER_SECOND,
  );
  return {
    seconds: { user, nice, system, idle, iowait, interrupt: irq + softirq, steal },
    bootSeconds: Number(/^btime (\d+)$/m.exec(text)?.[1] ?? 0),
    cpus: (text.match(/^cpu\d/gm) ?? []).length,
  };
}

/** Bytes by name: "MemTotal". */
export function readMeminfo(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^([\w()]+): +(\d+) kB$/gm)].map(([, name, kib]) => [name as string, Number(kib) * 1024]));
}
/** Counts by name: "pgmajfault". */
export function readVmstat(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name, count]) => [name as string, Number(count)]));
}

export interface DiskFacts {
  readonly device: string;
  readonly readOperations: number;
  readonly readBytes: number;
  readonly readSeconds: number;
  readonly writeOperations: number;
  readonly writeBytes: number;
  readonly writeSeconds: number;
  readonly busySeconds: number;
}
export function readDiskstats(text: string): DiskFacts[] {
  return text.split('\n').flatMap((line) => {
    const [, , device = '', ...fields] = line.trim().split(/\s+/);
    const [reads = 0, , readSectors = 0, readMs = 0, writes = 0, , writeSectors = 0, writeMs = 0, , busyMs = 0] = fields.map(Number);
    if (device === '' || fields.length < 11 || fields.some((field) => !/^\d+$/.test(field))) return [];
    const [readBytes, writeBytes] = [readSectors * SECTOR_BYTES, writeSectors * SECTOR_BYTES];
    const [readSeconds, writeSeconds, busySeconds] = [readMs / 1000, writeMs / 1000, busyMs / 1000];
    return [{ device, readOperations: reads, readBytes, readSeconds, writeOperations: writes, writeBytes, writeSeconds, busySeconds }];
  });
}

export interface TrafficFacts {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}
export interface InterfaceFacts {
  readonly name: string;
  readonly receive: TrafficFacts;
  readonly transmit: TrafficFacts;
}
export function readNetDev(text: string): InterfaceFacts[] {
  return text.split('\n').flatMap((line) => {
    const [, name, rest] = /^\s*([^\s:]+):\s*(\d.*)$/.exec(line) ?? [];
    const fields = (rest ?? '').split(/\s+/).map(Number);
    if (name === undefined || fields.length < 12 || fields.some(Number.isNaN)) return [];
    const traffic = (from: number): TrafficFacts => {
      const [bytes = 0, packets = 0, errors = 0, dropped = 0] = fields.slice(from);
      return { bytes, packets, errors, dropped };
    };
    return [{ name, receive: traffic(0), transmit: traffic(8) }];
  });
}

export interface MountFacts {
  readonly device: string;
  readonly mountpoint: string;
  readonly type: string;
  readonly mode: 'rw' | 'ro';
}
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
/**
 * File systems on devices of this machine, each device once. What has no device lives in memory or is somebody else's; asking a
 * server that is away would hang.
 * @param types /proc/filesystems
 */
export function readMounts(mounts: string, types: string): MountFacts[] {
  const onDevices = new Set([...types.matchAll(/^\t(\w+)$/gm)].map(([, type]) => type));
  const found = new Map<string, MountFacts>();
  for (const line of mounts.split('\n')) {
    const [device = '', mountpoint = '', type = '', options = ''] = line.split(' ').map(unescaped);
    if (!onDevices.has(type) || !device.startsWith('/') || found.has(device)) continue;
    found.set(device, { device, mountpoint, type, mode: options.split(',').includes('ro') ? 'ro' : 'rw' });
  }
  return [...found.values()];
}

export interface ProcessFacts {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly threads: number;
  readonly virtualBytes: number;
  readonly residentBytes: number;
  /** After the start of the system. */
  readonly startedSeconds: number;
}
export function readProcessStat(text: string, pageBytes: number): ProcessFacts | null {
  // The name may hold blanks and brackets: the fields are counted from behind it.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  if (fields.length < 22) return null;
  const at = (field: number): number => fields[field - 3] ?? 0;
  return {
    userSeconds: at(14) / TICKS_PER_SECOND,
    systemSeconds: at(15) / TICKS_PER_SECOND,
    threads: at(20),
    startedSeconds: at(22) / TICKS_PER_SECOND,
    virtualBytes: at(23),
    residentBytes: at(24) * pageBytes,
  };
}
/** @returns null where it may not be read */
export function readProcessIo(text: string): { readonly readBytes: number; readonly writeBytes: number } | null {
  const [, read] = /^read_bytes: (\d+)$/m.exec(text) ?? [];
  const [, write] = /^write_bytes: (\d+)$/m.exec(text) ?? [];
  return read === undefined || write === undefined ? null : { readBytes: Number(read), writeBytes: Number(write) };
}
/** Which of our processes a command line is; '' = none of them. */
export const roleOf = (commandLine: string): string =>
  /(?:^|[\0/\\])(collector|engine|forwarder|importer|llm|demo)(?:[/\\]main)?\.(?:ts|js|mjs)(?:\0|$)/.exec(commandLine)?.[1] ?? '';

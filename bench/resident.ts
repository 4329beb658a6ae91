import { readFileSync } from 'node:fs';
import { type FaultlineProcess, treeOf } from '../tests/app/faultline-process.ts';
import type { Row } from './run.ts';

/** Resident memory of a process, bytes; `own`: without the pages of files, which all processes of one program share. */
interface Resident {
  readonly rss: number;
  readonly own: number;
}
const ALL = 'all';
const mb = (bytes: number): number => Math.round(bytes / 1e6);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** statm: size, resident, resident pages of files and shared memory. */
function residentOf(pid: number): Resident {
  try {
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number) as [number, number, number];
    return { rss: resident * 4096, own: (resident - shared) * 4096 };
  } catch {
    // Ended between listing and reading.
    return { rss: 0, own: 0 };
  }
}
/** By process, and of all of them. The main process is "supervisor" here, "cli" by its file's name. */
export function residentNow(faultline: FaultlineProcess): ReadonlyMap<string, Resident> {
  const found = new Map(Object.entries(faultline.pids()).map(([name, pid]) => [name === 'cli' ? 'supervisor' : name, residentOf(pid)]));
  const every = treeOf(faultline.pid).map(residentOf);
  const sum = (part: keyof Resident): number => every.reduce((total, each) => total + each[part], 0);
  return found.set(ALL, { rss: sum('rss'), own: sum('own') });
}

/** Resident memory looked at every two seconds, put together minute by minute. */
export class MemoryWatch {
  private readonly faultline: FaultlineProcess;
  private readonly timer: NodeJS.Timeout;
  private samples: ReadonlyMap<string, Resident>[] = [];
  private readonly seen: number[] = [];
  private readonly minutes: number[] = [];

  constructor(faultline: FaultlineProcess) {
    this.faultline = faultline;
    this.timer = setInterval(() => this.look(), 2_000);
  }
  private look(): void {
    this.samples.push(residentNow(this.faultline));
  }
  stop(): void {
    clearInterval(this.timer);
  }
  /** What was seen since the last call: of all processes mean, least and most RSS; of each process the mean. MB. */
  row(): Row {
    this.look();
    const all = this.samples.map((sample) => sample.get(ALL)?.rss ?? 0);
    const means = Object.fromEntries(
      [...(this.samples.at(-1) as ReadonlyMap<string, Resident>).keys()]
        .filter((name) => name !== ALL)
        .map((name) => [name, mb(meanOf(this.samples.map((sample) => sample.get(name)?.rss ?? 0)))]),
    );
    const own = meanOf(this.samples.map((sample) => sample.get(ALL)?.own ?? 0));
    this.samples = [];
    this.seen.push(...all);
    this.minutes.push(meanOf(all));
    return { 'RSS MB': mb(meanOf(all)), min: mb(Math.min(...all)), max: mb(Math.max(...all)), 'not of files': mb(own), ...means };
  }
  /** Over the minutes from `from` on, the first being 0: how far their means and the single looks are from the mean. */
  spread(from: number): Row[] {
    const minutes = this.minutes.slice(from);
    // As many looks a minute, but for the odd one.
    const looks = this.seen.slice(Math.floor((this.seen.length * from) / this.minutes.length));
    return [spreadOf(`minutes ${from}-${this.minutes.length - 1}: their means`, minutes), spreadOf('every look in them', looks)];
  }
}
function spreadOf(minute: string, values: readonly number[]): Row {
  const mean = meanOf(values);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const percent = (value: number): string => `${value >= mean ? '+' : ''}${((value / mean - 1) * 100).toFixed(1)} %`;
  return { minute, 'RSS MB': mb(mean), min: `${mb(least)} (${percent(least)})`, max: `${mb(most)} (${percent(most)})` };
}

import type { VolumeAnswer, VolumeBy, VolumeFile, VolumeRow } from '#contracts/volume.ts';

/** Where on the page one is: a breakdown and what it is narrowed to. */
export const VIEWS = ['metrics', 'traces', 'logs', 'files', 'rules', 'limits'] as const;
export type View = (typeof VIEWS)[number];
export interface Level {
  readonly view: View;
  /** null: no breakdown. */
  readonly by: VolumeBy | null;
  readonly metric: string;
  readonly label: string;
  readonly service: string;
}
/** Breakdowns of all metrics to choose from. */
export const METRIC_BREAKDOWNS = ['metric', 'metric-service', 'label'] as const;
type Read = (name: string) => string;

/** Level of an address; what does not fit together is left out. */
export function levelOf(param: Read): Level {
  const view = VIEWS.find((each) => each === param('view')) ?? 'metrics';
  const [metric, label, service] = [param('metric'), param('label'), param('service')];
  const none = { view, metric: '', label: '', service: '' };
  if (view === 'files' || view === 'rules' || view === 'limits') return { ...none, by: null };
  if (view === 'traces') return { ...none, service, by: service === '' ? 'trace-service' : 'span' };
  if (view === 'logs') return { ...none, service, by: service === '' ? 'log-service' : 'pattern' };
  if (label !== '') return { ...none, metric, label, service, by: 'value' };
  if (metric !== '') return { ...none, metric, service, by: 'label' };
  const chosen = METRIC_BREAKDOWNS.find((each) => each === param('by')) ?? 'metric';
  return { ...none, service, by: service !== '' && chosen === 'metric-service' ? 'metric' : chosen };
}
export type LevelParams = Readonly<Record<'view' | 'by' | 'metric' | 'label' | 'service', string | null>>;
const TOP: LevelParams = { view: null, by: null, metric: null, label: null, service: null };
const paramsOf = ({ view, metric, label, service }: Partial<Level>): LevelParams => ({
  ...TOP,
  view: view === undefined || view === 'metrics' ? null : view,
  metric: metric || null,
  label: label || null,
  service: service || null,
});
/** Where a row leads; null where nothing is under it. */
export function under(level: Level, { name }: Pick<VolumeRow, 'name'>): LevelParams | null {
  switch (level.by) {
    case 'metric':
      return paramsOf({ ...level, metric: name });
    case 'metric-service':
    case 'trace-service':
    case 'log-service':
      return paramsOf({ ...level, service: name });
    case 'label':
      return paramsOf({ ...level, label: name });
    default:
      return null;
  }
}
export interface Crumb {
  /** null: the top, which the page names. */
  readonly name: string | null;
  readonly to: LevelParams;
}
/** The way from the top to this level. */
export function crumbsOf(level: Level): Crumb[] {
  const { view, metric, label, service } = level;
  const crumbs: Crumb[] = [{ name: null, to: paramsOf({ view }) }];
  if (service !== '') crumbs.push({ name: service, to: paramsOf({ view, service }) });
  if (metric !== '') crumbs.push({ name: metric, to: paramsOf({ view, service, metric }) });
  if (label !== '') crumbs.push({ name: label, to: paramsOf(level) });
  return crumbs;
}

const OF_FILES = ['metrics', 'traces', 'logs', 'profiles', 'dictionary', 'free', 'structure'] as const;
const BESIDE = ['journal', 'bills', 'backups', 'exports', 'quarantine', 'temporary', 'other'] as const;
/** What lies on disk; the last of all is the rest. */
const ON_DISK = [...OF_FILES, 'other_days', ...BESIDE] as const;
export type OnDisk = (typeof ON_DISK)[number];
const PART_OF: Readonly<Record<string, OnDisk>> = {
  samples: 'metrics',
  histograms: 'metrics',
  exemplars: 'metrics',
  spans: 'traces',
  logs: 'logs',
  profiles: 'profiles',
  profile_samples: 'profiles',
  series: 'dictionary',
  resources: 'dictionary',
  scopes: 'dictionary',
  stacks: 'dictionary',
};
/** The data folder by kind; sums to what it takes. Files are of the window and the catalog. */
export function diskParts({ files, disk }: Pick<VolumeAnswer, 'files' | 'disk'>): { part: OnDisk; bytes: number }[] {
  const sums = new Map<OnDisk, number>(ON_DISK.map((part) => [part, 0]));
  const add = (part: OnDisk, bytes: number): void => void sums.set(part, (sums.get(part) ?? 0) + bytes);
  for (const file of files) {
    for (const { table, bytes } of file.tables) add(PART_OF[table] ?? 'structure', bytes);
    add('free', file.freeBytes);
    add('structure', file.otherBytes);
  }
  const bytesOf = (chosen: (file: VolumeFile) => boolean): number => files.filter(chosen).reduce((sum, { bytes }) => sum + bytes, 0);
  add('other_days', Math.max(0, disk.days - bytesOf(({ day }) => day !== null)));
  add('structure', Math.max(0, disk.catalog - bytesOf(({ day }) => day === null)));
  for (const part of BESIDE) add(part, disk[part]);
  return [...sums].map(([part, bytes]) => ({ part, bytes })).filter(({ bytes }) => bytes > 0);
}
/** Of those what is in none of the files. */
export const besideParts = (volume: Pick<VolumeAnswer, 'files' | 'disk'>): { part: OnDisk; bytes: number }[] =>
  diskParts(volume).filter(({ part }) => !(OF_FILES as readonly OnDisk[]).includes(part));
export const diskBytes = (volume: Pick<VolumeAnswer, 'files' | 'disk'>): number =>
  diskParts(volume).reduce((sum, { bytes }) => sum + bytes, 0);
/** Days until the store is at its limit at this rate; null: never, or there already. */
export function daysToFull({
  storeBytes,
  maxSizeBytes,
  bytesPerDay,
}: Pick<VolumeAnswer, 'storeBytes' | 'maxSizeBytes' | 'bytesPerDay'>): number | null {
  if (maxSizeBytes <= 0 || bytesPerDay <= 0 || storeBytes >= maxSizeBytes) return null;
  return (maxSizeBytes - storeBytes) / bytesPerDay;
}

export type SortKey = 'name' | 'bytes' | 'rows' | 'series' | 'born' | 'gone' | 'values' | 'left' | 'errors';
/** Columns something is in. */
export const columnsOf = (rows: readonly VolumeRow[]): SortKey[] =>
  (['series', 'born', 'gone', 'values', 'left', 'errors'] as const).filter((key) => rows.some((row) => row[key] !== null));
export function sorted(rows: readonly VolumeRow[], key: SortKey, down: boolean): VolumeRow[] {
  const of = (row: VolumeRow): string | number => row[key] ?? -1;
  return rows.toSorted((a, b) => {
    const [x, y] = [of(a), of(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
  });
}

import { expect, it } from 'vitest';
import type { VolumeFile, VolumeRow } from '#contracts/volume.ts';
import { columnsOf, crumbsOf, daysToFull, diskBytes, diskParts, levelOf, sorted, under } from './volume-model.ts';

const level = (params: Record<string, string>) => levelOf((name) => params[name] ?? '');
const row = (name: string, more: Partial<VolumeRow> = {}): VolumeRow => ({
  name,
  sub: '',
  rows: 0,
  bytes: 0,
  series: null,
  born: null,
  gone: null,
  values: null,
  left: null,
  errors: null,
  ...more,
});

it.each([
  [{}, 'metric'],
  [{ by: 'label' }, 'label'],
  [{ by: 'nonsense' }, 'metric'],
  [{ metric: 'up' }, 'label'],
  [{ metric: 'up', label: 'job' }, 'value'],
  [{ label: 'job' }, 'value'],
  [{ by: 'metric-service', service: 'cart' }, 'metric'],
  [{ view: 'traces' }, 'trace-service'],
  [{ view: 'traces', service: 'cart', metric: 'up' }, 'span'],
  [{ view: 'logs' }, 'log-service'],
  [{ view: 'logs', service: 'cart' }, 'pattern'],
  [{ view: 'files', service: 'cart' }, null],
] as const)('%o shows %s', (params, by) => expect(level(params).by).toBe(by));
it('a row leads one level down, and the crumbs lead back up', () => {
  const top = level({ service: 'cart' });
  const metric = under(top, row('http_requests_total'));
  expect(metric).toMatchObject({ metric: 'http_requests_total', service: 'cart', label: null });
  const label = level({ service: 'cart', metric: 'http_requests_total', label: 'path' });
  expect(under(label, row('/x'))).toBeNull();
  expect(crumbsOf(label).map(({ name }) => name)).toEqual([null, 'cart', 'http_requests_total', 'path']);
  expect(crumbsOf(label)[2]?.to).toEqual(metric);
  expect(under(level({ view: 'logs' }), row('cart'))).toMatchObject({ view: 'logs', service: 'cart' });
});
it('the parts of the disk sum to the data folder, also what no file of the window has', () => {
  const file: VolumeFile = {
    file: 'telemetry-2026-11-21',
    day: '2026-11-21',
    bytes: 100,
    tables: [
      { table: 'samples', rows: 1, bytes: 40 },
      { table: 'exemplars', rows: 1, bytes: 10 },
      { table: 'spans', rows: 1, bytes: 30 },
    ],
    freeBytes: 15,
    otherBytes: 5,
    guessedBytes: 0,
  };
  const disk = { days: 160, catalog: 8, bills: 0, journal: 64, backups: 7, exports: 0, quarantine: 3, temporary: 0, other: 1 };
  const volume = { files: [file], disk };
  expect(diskParts(volume)).toEqual([
    { part: 'metrics', bytes: 50 },
    { part: 'traces', bytes: 30 },
    { part: 'free', bytes: 15 },
    { part: 'structure', bytes: 13 },
    { part: 'other_days', bytes: 60 },
    { part: 'journal', bytes: 64 },
    { part: 'backups', bytes: 7 },
    { part: 'quarantine', bytes: 3 },
    { part: 'other', bytes: 1 },
  ]);
  expect(diskBytes(volume)).toBe(Object.values(disk).reduce((sum, bytes) => sum + bytes, 0));
});
it.each([
  [{ storeBytes: 1e9, maxSizeBytes: 3e9, bytesPerDay: 1e9 }, 2],
  [{ storeBytes: 1e9, maxSizeBytes: 3e9, bytesPerDay: 0 }, null],
  [{ storeBytes: 3e9, maxSizeBytes: 3e9, bytesPerDay: 1 }, null],
])('%o is full in %s days', (volume, days) => expect(daysToFull(volume)).toBe(days));
it('sorts by any column; what does not apply comes last, and has no column', () => {
  const rows = [row('a', { bytes: 1, series: 5 }), row('b', { bytes: 3 }), row('c', { bytes: 2, series: 9 })];
  expect(sorted(rows, 'bytes', true).map(({ name }) => name)).toEqual(['b', 'c', 'a']);
  expect(sorted(rows, 'series', true).map(({ name }) => name)).toEqual(['c', 'a', 'b']);
  expect(sorted(rows, 'name', false).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(columnsOf(rows)).toEqual(['series']);
});

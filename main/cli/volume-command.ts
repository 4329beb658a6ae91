import { bytesText } from '#contracts/figure-text.ts';
import type { VolumeRow, VolumeTable } from '#contracts/volume.ts';
import { alignedTable, visible } from './format-table.ts';
import { timeFlag } from './parse-values.ts';
import { type InstanceFlags, withConsole } from './with-console.ts';

export interface VolumeFlags extends InstanceFlags {
  readonly by: string;
  readonly metric?: string;
  readonly label?: string;
  readonly service?: string;
  readonly start: string;
  readonly end: string;
  readonly json?: boolean;
}
/** `faultline volume`: the table of the Volume page. */
export async function volume(flags: VolumeFlags): Promise<number> {
  const nowMs = Date.now();
  const [start, end] = [timeFlag('--start', flags.start, nowMs), timeFlag('--end', flags.end, nowMs)];
  const query = new URLSearchParams({ by: flags.by, start: String(start), end: String(end) });
  for (const name of ['metric', 'label', 'service'] as const) {
    const value = flags[name];
    if (value !== undefined) query.set(name, value);
  }
  const answer = await withConsole(
    { flags },
    async (console) => (await (await console.call(`/console/volume/rows?${query}`)).json()) as VolumeTable,
  );
  process.stdout.write(flags.json ? `${JSON.stringify(answer)}\n` : describeVolume(answer));
  return 0;
}
const COLUMNS: readonly (readonly [string, (row: VolumeRow) => number | null])[] = [
  ['rows', ({ rows }) => rows],
  ['series', ({ series }) => series],
  ['new', ({ born }) => born],
  ['gone', ({ gone }) => gone],
  ['values', ({ values }) => values],
  ['series without', ({ left }) => left],
  ['errors', ({ errors }) => errors],
];
/** Columns nothing is in are left out. */
export function describeVolume({ rows, groups, totalRows, totalBytes, estimated }: VolumeTable): string {
  const shown = COLUMNS.filter(([, of]) => rows.some((row) => of(row) !== null));
  const lines = rows.map((row) => [
    bytesText(row.bytes),
    totalBytes > 0 ? `${((row.bytes / totalBytes) * 100).toFixed(1)} %` : '',
    ...shown.map(([, of]) => String(of(row) ?? '')),
    visible(row.sub === '' ? row.name : `${row.name} (${row.sub})`),
  ]);
  const sums = `${groups} in all, ${rows.length} shown: ${totalRows} rows, ${bytesText(totalBytes)}`;
  const part = estimated === null ? '' : `; scaled from ${estimated.read} of ${estimated.of} rows`;
  return `${alignedTable(['bytes', 'share', ...shown.map(([name]) => name), 'name'], lines)}${sums}${part}\n`;
}

import { bytesText } from '#contracts/figure-text.ts';
import type { SourceLimit, SourceLimitsAnswer } from '#contracts/source-limits.ts';
import { alignedTable, visible } from './format-table.ts';
import { parseSize, ValueError, valueAt } from './parse-values.ts';
import { type InstanceFlags, json, withConsole } from './with-console.ts';

export interface LimitsFlags extends InstanceFlags {
  readonly maxSeries?: string;
  readonly maxBytesPerDay?: string;
  readonly itemsPerSecond?: string;
  readonly json?: boolean;
}
const numberOf = (text: string): number => {
  const value = Number(text.replaceAll('_', ''));
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new ValueError(`"${text}" is not a number above 0`);
};
const flag = <K extends keyof SourceLimit>(key: K, place: string, text: string | undefined, parse: (text: string) => number) =>
  text === undefined ? {} : { [key]: valueAt(place, text, parse, 'bad_request') };
const limitOf = ({ maxSeries, maxBytesPerDay, itemsPerSecond }: LimitsFlags): SourceLimit => ({
  ...flag('maxSeries', '--max-series', maxSeries, numberOf),
  ...flag('maxBytesPerDay', '--max-bytes-per-day', maxBytesPerDay, parseSize),
  ...flag('itemsPerSecond', '--items-per-second', itemsPerSecond, numberOf),
});
/** `faultline limits`: hard limits by source, as on the Volume page. */
export async function limits(action: 'list' | 'set' | 'remove', name: string | null, flags: LimitsFlags): Promise<number> {
  const answer = await withConsole({ flags }, async (console) => {
    const response =
      action === 'list'
        ? await console.call('/console/volume/limits')
        : action === 'set'
          ? await console.call('/console/volume/limits', json({ name, limit: limitOf(flags) }))
          : await console.call('/console/volume/limits/remove', json({ name }));
    return (await response.json()) as SourceLimitsAnswer;
  });
  process.stdout.write(flags.json ? `${JSON.stringify(answer)}\n` : describe(answer));
  return 0;
}
function describe({ limits: all, resetsMs }: SourceLimitsAnswer): string {
  if (all.length === 0) return 'There is no limit by source.\n';
  const lines = all.flatMap(({ name, limit, origin, usage }) => {
    const { maxSeries, maxBytesPerDay, itemsPerSecond } = limit;
    const own = [
      String(maxSeries ?? ''),
      maxBytesPerDay === undefined ? '' : bytesText(maxBytesPerDay),
      String(itemsPerSecond ?? ''),
      '',
      '',
      `${visible(name)}${origin === 'configuration' ? ' (configuration)' : ''}`,
    ];
    const used = usage.map(({ source, service, series, bytes, dropped, refused }) => [
      String(series ?? ''),
      bytes === null ? '' : bytesText(bytes),
      '',
      String(dropped),
      String(refused),
      `  ${visible(source)}${service === null ? '' : ` service=${visible(service)}`}`,
    ]);
    return [own, ...used];
  });
  const header = ['series', 'bytes a day', 'items a second', 'dropped', 'refused', 'name, and what is used of it today'];
  return `${alignedTable(header, lines)}a new day begins at ${new Date(resetsMs).toISOString()}\n`;
}

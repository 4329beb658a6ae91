import type { LineClock } from '#collectors/tail/line-time.ts';
import { type LogLine, readLogLine } from '#collectors/tail/log-line.ts';
import type { TailFormat } from '#contracts/tailing.ts';
import type { ReadContext } from './file-record.ts';

/** Times without a zone are UTC in a file of somebody else, those without a year are before its arrival. */
export const clockOf = ({ arrivalUnixNano }: Pick<ReadContext, 'arrivalUnixNano'>): LineClock => ({
  nowMs: Number(arrivalUnixNano / 1_000_000n),
  zone: 'utc',
});
const SERVICE_KEYS = ['service.name', 'service_name', 'service'];
export interface Message {
  readonly item: LogLine;
  /** The service the line itself names, which is then no attribute of it; '' = none. */
  readonly service: string;
}
/** What a line of an application says, read as a line of a tailed file is. */
export function readMessage(text: string, format: TailFormat, clock: LineClock): Message {
  const item = readLogLine(text, format, clock);
  for (const name of SERVICE_KEYS) {
    const found = item.attributes.find(([key]) => key === name);
    if (typeof found?.[1] !== 'string' || found[1] === '') continue;
    return { item: { ...item, attributes: item.attributes.filter((each) => each !== found) }, service: found[1] };
  }
  return { item, service: '' };
}

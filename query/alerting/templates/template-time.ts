import { formatDuration } from '#query/rules/go-format.ts';
import { checkZone, goTimeText, MONTHS, WEEKDAYS, wallClock } from '#query/rules/go-time.ts';
import {
  beneath,
  type TemplateDuration,
  type TemplateFunction,
  type TemplateObject,
  type TemplateTime,
  type TemplateValue,
} from '#query/rules/go-value.ts';
import { CallError } from '#query/rules/template-builtins.ts';

/** Times and durations with their methods, as Go's package time has them. */
export const TIME = 'time.Time';
const DURATION = 'time.Duration';
const given = (call: () => TemplateValue): TemplateFunction => ({ takes: [], call });
const timeIn = (value: TemplateValue): TemplateTime => beneath(value) as TemplateTime;

export const timeObject = (ms: number): TemplateObject => objectOf({ kind: 'time', nanos: BigInt(Math.round(ms)) * 1_000_000n });
/** The same moment by another clock. @throws CallError no such zone */
export function inZone(value: TemplateValue, zone: string): TemplateObject {
  try {
    checkZone(zone);
  } catch {
    throw new CallError(`unknown time zone ${zone}`);
  }
  return objectOf({ kind: 'time', nanos: timeIn(value).nanos, zone });
}
export const format = (value: TemplateValue, layout: string): string => goTimeText(timeIn(value), layout);
export const since = (value: TemplateValue, nowMs: number): TemplateObject =>
  durationObject(BigInt(Math.round(nowMs)) * 1_000_000n - timeIn(value).nanos);

/** A number that Go has a word for: only the word is known here. */
const named = (type: string, word: string): TemplateObject => ({
  ...{ kind: 'object', type, is: word },
  methods: new Map([['String', given(() => word)]]),
});
function objectOf(time: TemplateTime): TemplateObject {
  const wall = (): ReturnType<typeof wallClock> => wallClock(time);
  const whole = (of: 'year' | 'day' | 'hour' | 'minute' | 'second' | 'dayOfYear'): TemplateFunction => given(() => BigInt(wall()[of]));
  const methods: Readonly<Record<string, TemplateFunction>> = {
    Format: { takes: ['string'], call: ([layout]) => goTimeText(time, layout as string) },
    String: given(() => goTimeText(time, '2006-01-02 15:04:05.999999999 -0700 MST')),
    Unix: given(() => floorDiv(time.nanos, 1_000_000_000n)),
    UnixMilli: given(() => floorDiv(time.nanos, 1_000_000n)),
    UnixNano: given(() => time.nanos),
    UTC: given(() => objectOf({ kind: 'time', nanos: time.nanos })),
    Local: given(() => objectOf({ ...time, zone: Intl.DateTimeFormat().resolvedOptions().timeZone })),
    IsZero: given(() => time.nanos === -62_135_596_800_000_000_000n),
    ...{ Year: whole('year'), Day: whole('day'), Hour: whole('hour'), Minute: whole('minute'), Second: whole('second') },
    YearDay: whole('dayOfYear'),
    Month: given(() => named('time.Month', MONTHS[wall().month - 1] as string)),
    Weekday: given(() => named('time.Weekday', WEEKDAYS[wall().weekday] as string)),
    Add: { takes: [DURATION], call: ([by]) => objectOf({ ...time, nanos: time.nanos + nanosOf(by) }) },
    Sub: { takes: [TIME], call: ([other]) => durationObject(time.nanos - timeIn(other).nanos) },
    After: { takes: [TIME], call: ([other]) => time.nanos > timeIn(other).nanos },
    Before: { takes: [TIME], call: ([other]) => time.nanos < timeIn(other).nanos },
    Equal: { takes: [TIME], call: ([other]) => time.nanos === timeIn(other).nanos },
  };
  return { kind: 'object', type: TIME, is: time, methods: new Map(Object.entries(methods)) };
}
const nanosOf = (value: TemplateValue): bigint => (beneath(value) as TemplateDuration).nanos;
const floorDiv = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

function durationObject(nanos: bigint): TemplateObject {
  const unit = (size: number): TemplateFunction => given(() => Number(nanos) / size);
  const rounded = (half: bigint): TemplateFunction => ({
    takes: [DURATION],
    call: ([to]) => {
      const step = nanosOf(to);
      if (step <= 0n) return durationObject(nanos);
      const size = nanos < 0n ? -nanos : nanos;
      const kept = ((size + (step * half) / 2n) / step) * step;
      return durationObject(nanos < 0n ? -kept : kept);
    },
  });
  const methods: Readonly<Record<string, TemplateFunction>> = {
    String: given(() => formatDuration(nanos)),
    ...{ Seconds: unit(1e9), Minutes: unit(60e9), Hours: unit(3600e9) },
    ...{ Nanoseconds: given(() => nanos), Microseconds: given(() => nanos / 1_000n), Milliseconds: given(() => nanos / 1_000_000n) },
    ...{ Round: rounded(1n), Truncate: rounded(0n) },
  };
  return { kind: 'object', type: DURATION, is: { kind: 'duration', nanos }, methods: new Map(Object.entries(methods)) };
}

import type { YamlNode } from '#query/rules/yaml-node.ts';
import { type ConfigDecoder, fail } from './config-decoder.ts';
import { isLocation, type NamedInterval, type Range, type TimeInterval } from './time-interval.ts';

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'],
];
const monthName = (month: number): string => MONTHS[month - 1] ?? '';

/** @param what how its name is missed: `time interval`, `mute time interval` */
export function readInterval(decoder: ConfigDecoder, node: YamlNode, what: string): NamedInterval {
  const got = decoder.struct(
    node,
    {
      name: decoder.as.text,
      time_intervals: (at) => decoder.list(at, 'timeinterval.TimeInterval').map((each) => readTimes(decoder, each)),
    },
    ({ name }) => {
      if (!name) fail(node, `missing name in ${what}`);
    },
  );
  return { name: got.name ?? '', intervals: got.time_intervals ?? [] };
}
function readTimes(decoder: ConfigDecoder, node: YamlNode): TimeInterval {
  const ranges = (type: string, read: (at: YamlNode, text: string) => Range) => (list: YamlNode) =>
    decoder.list(list, `timeinterval.${type}`).map((at) => read(at, decoder.text(at).toLowerCase()));
  const got = decoder.struct(
    node,
    {
      times: (list) => decoder.list(list, 'timeinterval.TimeRange').map((at) => timeRange(decoder, at)),
      weekdays: ranges('WeekdayRange', weekdayRange),
      days_of_month: ranges('DayOfMonthRange', dayRange),
      months: ranges('MonthRange', monthRange),
      years: ranges('YearRange', yearRange),
      location: (at) => {
        const name = decoder.text(at) || 'UTC';
        return isLocation(name) ? name : fail(at, `unknown time zone ${name}`);
      },
    },
    undefined,
    'timeinterval.TimeInterval',
  );
  return {
    ...{ times: got.times ?? [], weekdays: got.weekdays ?? [], daysOfMonth: got.days_of_month ?? [] },
    ...{ months: got.months ?? [], years: got.years ?? [], location: got.location ?? 'UTC' },
  };
}
function timeRange(decoder: ConfigDecoder, node: YamlNode): Range {
  const { text } = decoder.as;
  let range: Range = { begin: 0, end: 0 };
  const check = ({ start_time: from, end_time: to }: { start_time?: string; end_time?: string }): void => {
    if (!from || !to) fail(node, 'both start and end times must be provided');
    range = { begin: minuteOf(node, from), end: minuteOf(node, to) };
    if (range.begin >= range.end) fail(node, 'start time cannot be equal or greater than end time');
  };
  decoder.struct(node, { start_time: text, end_time: text }, check, 'timeinterval.yamlTimeRange');
  return range;
}
function minuteOf(node: YamlNode, text: string): number {
  const found = /^(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))$/.exec(text);
  if (!found) fail(node, `couldn't parse timestamp ${text}, invalid format`);
  return Number(found[1] ?? found[3]) * 60 + Number(found[2] ?? found[4]);
}
/** One value, or two with a colon between. */
function rangeOf(node: YamlNode, text: string, member: (text: string) => number): Range {
  const parts = text.split(':');
  if (parts.length > 2) fail(node, `couldn't parse range ${text}, invalid format`);
  const [begin, end] = parts.map(member) as [number, number | undefined];
  return { begin, end: end ?? begin };
}
function weekdayRange(node: YamlNode, text: string): Range {
  const range = rangeOf(node, text, (name) => {
    const day = WEEKDAYS.indexOf(name);
    return day < 0 ? fail(node, `${name} is not a valid weekday`) : day;
  });
  return range.begin <= range.end ? range : fail(node, 'start day cannot be before end day');
}
const integer = (node: YamlNode) => (text: string) =>
  /^[+-]?\d+$/.test(text) ? Number(text) : fail(node, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
function dayRange(node: YamlNode, text: string): Range {
  const range = rangeOf(node, text, integer(node));
  const { begin, end } = range;
  for (const day of [begin, end])
    if (day === 0 || day < -31 || day > 31) fail(node, `${day} is not a valid day of the month: out of range`);
  if (begin < 0 && end > 0) fail(node, 'end day must be negative if start day is negative');
  // Of the shortest month: what is no range there may still be one in others.
  const inFebruary = (day: number): number => (day < 0 ? 28 + day : day);
  if (inFebruary(begin) > inFebruary(end)) fail(node, `end day ${end} is always before start day ${begin}`);
  return range;
}
function monthRange(node: YamlNode, text: string): Range {
  const range = rangeOf(node, text, (name) => {
    const month = MONTHS.indexOf(name) + 1;
    return month > 0 ? month : /^[+-]?\d+$/.test(name) ? Number(name) : fail(node, `${name} is not a valid month`);
  });
  const { begin, end } = range;
  return begin <= end ? range : fail(node, `end month ${monthName(end)} is before start month ${monthName(begin)}`);
}
function yearRange(node: YamlNode, text: string): Range {
  const range = rangeOf(node, text, integer(node));
  return range.begin <= range.end ? range : fail(node, `end year ${range.end} is before start year ${range.begin}`);
}

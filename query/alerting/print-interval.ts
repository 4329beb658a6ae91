import type { Range, TimeInterval } from './time-interval.ts';

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june'].concat([
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
]);
const clock = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
const rangeText = ({ begin, end }: Range, word: (value: number) => string): string =>
  begin === end ? word(begin) : `${word(begin)}:${word(end)}`;

/** One line, in the words of an alertmanager.yml: "09:00-17:00 monday:friday Europe/Berlin". What says nothing is left out. */
export function printInterval({ times, weekdays, daysOfMonth, months, years, location }: TimeInterval): string {
  const parts = [
    times.map(({ begin, end }) => `${clock(begin)}-${clock(end)}`).join(','),
    weekdays.map((range) => rangeText(range, (day) => DAYS[day] ?? String(day))).join(','),
    daysOfMonth.map((range) => `${rangeText(range, String)}.`).join(','),
    months.map((range) => rangeText(range, (month) => MONTHS[month - 1] ?? String(month))).join(','),
    years.map((range) => rangeText(range, String)).join(','),
    location === 'UTC' ? '' : location,
  ];
  return parts.filter((part) => part !== '').join(' ') || 'always';
}

import { describe, expect, it } from 'vitest';
import { findEntries, matchScore, traceIdIn } from './frame/palette-model.ts';
import { findLine, lineAt } from './logs/find-line.ts';
import { toggleSeverity } from './logs/log-filter.ts';
import { SEVERITY_CLASSES, severityClass } from './logs/severity-class.ts';
import { reasonRows } from './sources/source-model.ts';

describe('palette', () => {
  const entries = ['checkout', 'Go to logs', 'catalog'].map((label) => ({ id: label, group: '', label }));
  it.each([
    ['', ['checkout', 'Go to logs', 'catalog']],
    ['log', ['Go to logs', 'catalog']],
    ['cat', ['catalog']],
    ['go zzz', []],
    ['LOGS go', ['Go to logs']],
  ])('"%s" finds %j', (typed, labels) => expect(findEntries(entries, typed, 9).map((e) => e.label)).toEqual(labels));
  it('finds by other words, but those in the label count more', () =>
    expect(matchScore({ label: 'Theme', also: 'dark' }, 'dark')).toBeLessThan(matchScore({ label: 'dark' }, 'dark')));
  it.each([
    ['trace 7f8e5ae1f21473e9465e8f119da63d3e', '7f8e5ae1f21473e9465e8f119da63d3e'],
    ['7F8E5AE1F21473E9465E8F119DA63D3E', '7f8e5ae1f21473e9465e8f119da63d3e'],
    ['00000000000000000000000000000000', null],
    ['7f8e5ae1f21473e9465e8f119da63d3e0', null],
    ['checkout', null],
  ])('a trace id in "%s"', (typed, id) => expect(traceIdIn(typed)).toBe(id));
});
describe('log search', () => {
  it('finds a line again by what it says', () => {
    const of = (lines: readonly (readonly [number, string])[]) => ({
      rows: lines.length,
      times: () => lines.map(([at]) => at),
      text: (name: string, row: number) => (name === 'body' ? (lines[row]?.[1] ?? '') : 'shop'),
    });
    const picked = lineAt(of([[5, 'a']]), 0);
    expect(
      findLine(
        of([
          [6, 'a'],
          [5, 'b'],
          [5, 'a'],
        ]),
        picked,
      ),
    ).toBe(2);
    expect(findLine(of([[6, 'a']]), picked)).toBe(-1);
  });
  it('switching all classes on is the same as none', () => {
    let list = '';
    for (const name of SEVERITY_CLASSES) list = toggleSeverity(list, name, SEVERITY_CLASSES);
    expect(list).toBe('');
    expect(toggleSeverity('error,nonsense', 'error', SEVERITY_CLASSES)).toBe('');
  });
  it.each([
    [0, 'info'],
    [1, 'debug'],
    [8, 'debug'],
    [9, 'info'],
    [13, 'warn'],
    [17, 'error'],
    [24, 'fatal'],
    [255, 'fatal'],
  ])('severity %i is %s', (number, name) => expect(severityClass(number)).toBe(name));
});
it('reasons: refused, then dropped, then noted; most first; zeros left out', () => {
  const rows = reasonRows([
    { source: 'a', refused: { malformed: 2, too_deep: 0 }, dropped: { invalid_id: 9 }, noted: {} },
    { source: 'b', refused: { malformed: 5 }, dropped: {}, noted: { no_data: 1 } },
  ]);
  expect(rows.map((row) => `${row.source} ${row.code}`)).toEqual(['b malformed', 'a malformed', 'a invalid_id', 'b no_data']);
});

import { describe, expect, it } from 'vitest';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { type JoinedRecord, LineJoiner, MAX_RECORD_LINES } from './join-lines.ts';
import { LineSplitter } from './split-lines.ts';

const MAX = 16;
/** Reads a file in pieces of at most `size` bytes, as a tail does. */
function split(file: Buffer, size: () => number) {
  const splitter = new LineSplitter(0, MAX);
  const lines: (readonly [string, number, number])[] = [];
  for (let stuck = 0; stuck < 2; ) {
    const from = splitter.readFrom;
    splitter.split(file.subarray(from, Math.min(file.length, from + Math.max(MAX + 2, size()))), (line) =>
      lines.push([line.bytes.toString('latin1'), line.end, line.cutBytes]),
    );
    stuck = splitter.readFrom === from ? stuck + 1 : 0;
  }
  return { lines, splitter };
}

describe('lines of a file', () => {
  it('are the same however the pieces fall: line ends, NULs in front, lines over the limit, half a line at the end', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const rng = seededRng(seed);
      const expected: (readonly [string, number, number])[] = [];
      let file = '';
      for (let i = 0; i < 12; i++) {
        file += rng() < 0.2 ? '\0'.repeat(rng() * 60) : '';
        const text = 'abcdefgh'.repeat(12).slice(0, rng() < 0.3 ? rng() * 90 : rng() * MAX);
        file += `${text}${rng() < 0.3 ? '\r\n' : '\n'}`;
        expected.push([text.slice(0, MAX), file.length, Math.max(0, text.length - MAX)]);
      }
      const half = 'tail'.repeat(rng() * 10);
      const { lines, splitter } = split(Buffer.from(file + half, 'latin1'), () => rng() * 70);
      expect(lines).toEqual(expected);
      expect(splitter.start).toBe(file.length);
      splitter.finish(Buffer.from(half).subarray(splitter.readFrom - splitter.start), (line) =>
        lines.push([line.bytes.toString('latin1'), line.end, line.cutBytes]),
      );
      expect(lines.slice(expected.length)).toEqual(
        half === '' ? [] : [[half.slice(0, MAX), file.length + half.length, Math.max(0, half.length - MAX)]],
      );
    }
  });
  it('counts the NUL bytes it passes over', () => {
    const { lines, splitter } = split(Buffer.from(`${'\0'.repeat(500)}a\nb\n`), () => 20);
    expect([lines.map(([text]) => text), splitter.nulBytes]).toEqual([['a', 'b'], 500]);
  });
});

describe('records of several lines', () => {
  const joined = (lines: readonly string[], multiline: ConstructorParameters<typeof LineJoiner>[0], maxChars = 1_000) => {
    const records: JoinedRecord[] = [];
    const joiner = new LineJoiner(multiline, maxChars);
    let end = 0;
    for (const line of lines) {
      end += line.length + 1;
      joiner.add(line, end, 0, (record) => records.push(record));
    }
    joiner.flush((record) => records.push(record));
    return records.map(({ text, end: at, lines: count }) => [text, at, count]);
  };
  const trace = ['boom', '  at a', '', '\tat b', 'next'];
  it('by indent', () =>
    expect(joined(trace, { by: 'indent' })).toEqual([
      ['boom\n  at a\n\n\tat b', 19, 4],
      ['next', 24, 1],
    ]));
  it('by what a record begins with', () =>
    expect(joined(['x', '1 a', 'b', '2 c'], { by: 'start', pattern: '^\\d' }).map(([text]) => text)).toEqual(['x', '1 a\nb', '2 c']));
  it('by line', () => expect(joined(trace, { by: 'line' }).map(([text]) => text)).toEqual(trace));
  it('at the limit the next line begins a record: nothing is left out', () => {
    const many = ['a', ...Array.from({ length: MAX_RECORD_LINES + 5 }, () => ' b')];
    expect(joined(many, { by: 'indent' }, 1e9).map(([, , count]) => count)).toEqual([MAX_RECORD_LINES, 6]);
    expect(joined(['aaaa', ' bbb', ' ccc'], { by: 'indent' }, 10).map(([text]) => text)).toEqual(['aaaa\n bbb', ' ccc']);
  });
  it('waits for the next line since the last one', () => {
    const joiner = new LineJoiner({ by: 'indent' }, 100);
    expect(joiner.waitsSince(10)).toBe(false);
    joiner.add('a', 2, 10, () => undefined);
    expect([joiner.waits, joiner.waitsSince(9), joiner.waitsSince(10)]).toEqual([true, false, true]);
  });
});

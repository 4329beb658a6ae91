import { describe, expect, it } from 'vitest';
import { FaultlineError } from '#contracts/errors.ts';
import { containsPattern, numberLiteral, textLiteral, timeLiteral, traceIdLiteral } from './literals.ts';

describe('literals', () => {
  it.each([
    ['plain', "'plain'"],
    ["it's", "'it''s'"],
    ["'; DROP TABLE spans; --", "'''; DROP TABLE spans; --'"],
    ["back\\slash'", "'back\\slash'''"],
    ['', "''"],
    ["a\0b'", "('a' || chr(0) || 'b''')"],
  ])('text %j', (text, sql) => {
    expect(textLiteral(text)).toBe(sql);
  });
  it('refuses what SQL text cannot hold', () => {
    expect(() => numberLiteral(Number.NaN)).toThrow(FaultlineError);
    expect(() => traceIdLiteral("0' OR 1=1")).toThrow(FaultlineError);
  });
  it('writes times with milliseconds, within what TIMESTAMP_NS holds', () => {
    expect(timeLiteral(Date.UTC(2026, 10, 21, 10, 0, 0, 123))).toBe("TIMESTAMP_NS '2026-11-21 10:00:00.123'");
    expect(timeLiteral(-5)).toBe("TIMESTAMP_NS '1970-01-01 00:00:00.000'");
    expect(timeLiteral(9e15 / 2)).toBe("TIMESTAMP_NS '2262-01-01 00:00:00.000'");
  });
  it('takes a pattern by its letters', () => {
    expect(containsPattern('50%_off\\')).toBe("'%50\\%\\_off\\\\%'");
  });
});

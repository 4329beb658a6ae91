/** Numbers of the exposition formats, read from bytes. NaN is a value there, so failure is `undefined`. */

const POWERS = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

function slowNumber(text: string): number | undefined {
  if (NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return /^nan$/i.test(text) ? NaN : undefined;
}

/**
 * @returns the value of bytes [start, end), undefined when it is not a number the format allows.
 * Up to 15 digits without exponent are exact by one division (a double holds 2^53), the rest goes through Number().
 */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number | undefined {
  let pos = start;
  const negative = bytes[pos] === 45;
  if (negative) pos++;
  const digitsFrom = pos;
  let mantissa = 0;
  let pointAt = -1;
  for (; pos < end; pos++) {
    const digit = (bytes[pos] as number) - 48;
    if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit;
    else if (digit === -2 && pointAt < 0) pointAt = pos;
    else break;
  }
  const digits = pos - digitsFrom - (pointAt < 0 ? 0 : 1);
  if (pos !== end || digits === 0 || digits > 15)
    return slowNumber(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'));
  const value = pointAt < 0 ? mantissa : mantissa / (POWERS[end - pointAt - 1] as number);
  return negative ? -value : value;
}

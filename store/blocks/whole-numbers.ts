import { type BitReader, type BitWriter, FormatError, powerOfTwo } from './bits.ts';

/**
 * A sequence of whole numbers (at most 2^49 from zero) as what is left after a prediction, in Rice code: groups of 32 with a
 * parameter of their own, a group of nothing but zeros in one bit, and an escape, so that one jump does not widen the rest.
 * order 0: the number less the smallest. order 1: the step less `base`. order 2: the change of the step.
 */
export const LARGEST = 2 ** 49;
const GROUP = 32;
/** As many ones announce a number that is written whole. */
const ESCAPE = 20;
const ALL_ZERO = 63;
const MAX_PARAMETER = 48;

/** Residuals of the shape at hand, as numbers >= 0. */
interface Shape {
  readonly order: 0 | 1 | 2;
  /** Subtracted from each difference. */
  readonly base: number;
  /** Residuals have both signs, in zigzag. */
  readonly signed: boolean;
}
let residuals = new Float64Array(1024);

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);
/** Bits of a number. */
const length = (value: number): number => (value < 4294967296 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 4294967296));

/** Shapes are compared over this many runs of this many numbers. */
const RUNS = 4;
const RUN = 24;
function costIn(numbers: Float64Array, count: number, { order, base, signed }: Shape): number {
  const every = count > RUNS * RUN ? Math.floor(count / RUNS) : RUN;
  let cost = 0;
  for (let start = order; start < count; start += every) {
    const end = Math.min(count, start + RUN);
    for (let i = start; i < end; i++) {
      const number = numbers[i]!;
      const before = order === 0 ? base : numbers[i - 1]! + (order === 1 ? base : numbers[i - 1]! - numbers[i - 2]!);
      const rest = number - before;
      cost += length(signed ? zigzag(rest) : rest);
    }
  }
  return cost;
}
/** Fills `residuals`; gives whether there is any but zero. */
function fill(numbers: Float64Array, count: number, { order, base, signed }: Shape): boolean {
  let before = order === 0 ? 0 : numbers[0]!;
  let step = base;
  let any = 0;
  for (let i = order === 0 ? 0 : 1; i < count; i++) {
    const number = numbers[i]!;
    const change = number - before;
    const rest = change - step;
    if (order > 0) before = number;
    if (order === 2) step = change;
    residuals[i] = signed ? zigzag(rest) : rest;
    any += rest === 0 ? 0 : 1;
  }
  return any > 0;
}

/** @param numbers the first `count` are written; none beyond LARGEST */
export function writeNumbers(writer: BitWriter, numbers: Float64Array, count: number): void {
  if (residuals.length < count) residuals = new Float64Array(count * 2);
  const shape = shapeOf(numbers, count);
  const any = fill(numbers, count, shape);
  writer.write(shape.order | (shape.signed ? 4 : 0) | (any ? 0 : 8), 4);
  if (shape.order > 0) writer.writeSignedVarint(numbers[0]!);
  if (shape.order < 2) writer.writeSignedVarint(shape.base);
  if (any) writeResiduals(writer, residuals, shape.order === 0 ? 0 : 1, count);
}
function shapeOf(numbers: Float64Array, count: number): Shape {
  let smallest = numbers[0]!;
  let largest = smallest;
  let smallestStep = Number.POSITIVE_INFINITY;
  for (let i = 1; i < count; i++) {
    const number = numbers[i]!;
    const step = number - numbers[i - 1]!;
    if (number < smallest) smallest = number;
    if (number > largest) largest = number;
    if (step < smallestStep) smallestStep = step;
  }
  if (smallest === largest) return { order: 1, base: 0, signed: false };
  const middle = Math.round((numbers[count - 1]! - numbers[0]!) / (count - 1));
  const shapes: Shape[] = [
    { order: 1, base: smallestStep, signed: false },
    { order: 0, base: smallest, signed: false },
    { order: 1, base: 0, signed: true },
  ];
  if (middle !== 0) shapes.push({ order: 1, base: middle, signed: true });
  if (middle !== 0 || smallestStep !== 0) shapes.push({ order: 2, base: 0, signed: true });
  let chosen = shapes[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const shape of shapes) {
    const cost = costIn(numbers, count, shape);
    if (cost >= least) continue;
    least = cost;
    chosen = shape;
  }
  return chosen;
}

function writeResiduals(writer: BitWriter, values: Float64Array, from: number, to: number): void {
  let last = -1;
  for (let start = from; start < to; start += GROUP) {
    const end = Math.min(to, start + GROUP);
    const parameter = parameterOf(values, start, end);
    if (parameter === last) writer.write(0, 1);
    else writer.write(1 | (parameter << 1), 7);
    last = parameter;
    if (parameter === ALL_ZERO) continue;
    const unit = powerOfTwo(parameter);
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      const quotient = Math.floor(value / unit);
      if (quotient >= ESCAPE) {
        const bits = value < 4294967296 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / 4294967296));
        writer.write((1 << ESCAPE) - 1, ESCAPE);
        writer.write(bits, 6);
        writer.writeWide(value, bits);
        continue;
      }
      // `quotient` ones and a zero, then the rest.
      writer.write((1 << quotient) - 1, quotient + 1);
      writer.writeWide(value - quotient * unit, parameter);
    }
  }
}
/** The parameter with the fewest bits, or nearly. */
function parameterOf(values: Float64Array, start: number, end: number): number {
  let sum = 0;
  let largest = 0;
  for (let i = start; i < end; i++) {
    const value = values[i]!;
    sum += value;
    if (value > largest) largest = value;
  }
  if (sum === 0) return ALL_ZERO;
  // A jump raises the mean of its group: the rest is what counts.
  const mean = largest * 4 > sum ? (sum - largest) / (end - start) : (sum / (end - start)) * 0.7;
  let parameter = mean < 1 ? 0 : Math.min(MAX_PARAMETER - 1, length(mean) - 1);
  let least = costOf(values, start, end, parameter);
  for (const step of [1, -1]) {
    for (let k = parameter + step; k >= 0 && k <= MAX_PARAMETER; k += step) {
      const cost = costOf(values, start, end, k);
      if (cost >= least) break;
      least = cost;
      parameter = k;
    }
  }
  return parameter;
}
function costOf(values: Float64Array, start: number, end: number, parameter: number): number {
  const unit = 1 / powerOfTwo(parameter);
  let bits = (1 + parameter) * (end - start);
  for (let i = start; i < end; i++) {
    const quotient = Math.floor(values[i]! * unit);
    bits += quotient < ESCAPE ? quotient : ESCAPE + 6 + length(values[i]!) - 1 - parameter;
  }
  return bits;
}

/** Reads `count` numbers into `out`. @throws FormatError */
export function readNumbers(reader: BitReader, out: Float64Array, count: number): void {
  const head = reader.read(4);
  const order = head & 3;
  if (order === 3) throw new FormatError('order 3');
  const first = order > 0 ? reader.readSignedVarint() : 0;
  const base = order < 2 ? reader.readSignedVarint() : 0;
  const from = order === 0 ? 0 : 1;
  if (order > 0) out[0] = first;
  if ((head & 8) !== 0) out.fill(0, from, count);
  else readResiduals(reader, out, from, count);
  const signed = (head & 4) !== 0;
  if (signed) for (let i = from; i < count; i++) out[i] = unzigzag(out[i]!);
  if (order === 0) for (let i = 0; i < count; i++) out[i] = out[i]! + base;
  else {
    let value = first;
    let step = base;
    if (order === 1)
      for (let i = 1; i < count; i++) {
        value += out[i]! + step;
        out[i] = value;
      }
    else
      for (let i = 1; i < count; i++) {
        step += out[i]!;
        value += step;
        out[i] = value;
      }
  }
}
const unzigzag = (value: number): number =>
  value < 4294967296 ? (value >>> 1) ^ -(value & 1) : value % 2 === 0 ? value / 2 : -(value + 1) / 2;

function readResiduals(reader: BitReader, out: Float64Array, from: number, to: number): void {
  let parameter = -1;
  for (let start = from; start < to; start += GROUP) {
    const end = Math.min(to, start + GROUP);
    if (reader.read(1) === 1) parameter = reader.read(6);
    if (parameter === ALL_ZERO) out.fill(0, start, end);
    else if (parameter < 0 || parameter > MAX_PARAMETER) throw new FormatError(`parameter ${parameter}`);
    else if (parameter <= 11) readGroup(reader, out, start, end, parameter);
    else for (let i = start; i < end; i++) out[i] = readOne(reader, parameter);
  }
}
/** The common case: quotient and rest are in one word. */
function readGroup(reader: BitReader, out: Float64Array, start: number, end: number, parameter: number): void {
  const { words, size } = reader;
  const mask = (1 << parameter) - 1;
  let { bits } = reader;
  for (let i = start; i < end; i++) {
    const at = bits >>> 5;
    const shift = bits & 31;
    const word = (words[at]! >>> shift) | ((words[at + 1]! << 1) << (31 - shift));
    const quotient = 31 - Math.clz32(~word & (word + 1));
    if (quotient >= 0 && quotient < ESCAPE) {
      out[i] = (quotient << parameter) | ((word >>> (quotient + 1)) & mask);
      bits += quotient + 1 + parameter;
    } else {
      reader.bits = bits;
      out[i] = readOne(reader, parameter);
      bits = reader.bits;
    }
    if (bits > size) throw new FormatError('it ends early');
  }
  reader.bits = bits;
}
function readOne(reader: BitReader, parameter: number): number {
  let quotient = 0;
  while (quotient < ESCAPE && reader.read(1) === 1) quotient++;
  if (quotient === ESCAPE) return reader.readWide(reader.read(6));
  return quotient * powerOfTwo(parameter) + reader.readWide(parameter);
}

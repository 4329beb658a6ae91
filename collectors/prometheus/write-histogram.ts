import { malformed, readLength, readTag, readVarint, skipField, type WireInput } from '#collectors/otlp/wire.ts';
import type { ReasonCode } from '#contracts/reasons.ts';

/** Native histograms of remote write and of scrapes: read, judged as Prometheus does (model/histogram Validate), laid out without gaps. */

/** Schema of a histogram whose bounds are listed. */
export const CUSTOM_SCHEMA = -53;
/** Reset hint of a histogram whose counts may go down. */
export const GAUGE_HINT = 3;
const LOWEST_SCHEMA = -9;
const HIGHEST_SCHEMA = 52;
/** A sparse histogram is stored without gaps: two far spans must not become gigabytes. Schema 8 takes 256 buckets a doubling. */
export const MAX_BUCKETS = 65_536;
const MAX_EXACT = 2 ** 53;
export const zigZag = (encoded: number): number => (encoded >>> 1) ^ -(encoded & 1);

/** Numbers of one list, memory used again. */
class Numbers {
  values = new Float64Array(64);
  length = 0;
  push(value: number): void {
    if (this.length === this.values.length) {
      const values = new Float64Array(this.length * 2);
      values.set(this.values);
      this.values = values;
    }
    this.values[this.length++] = value;
  }
}
/** Buckets on one side of zero. */
export class Side {
  readonly offsets = new Numbers();
  readonly lengths = new Numbers();
  /** Differences (integer histograms) or counts (float histograms). */
  readonly deltas = new Numbers();
  readonly counts = new Numbers();
  /** Index of the first bucket that is there, and how many there are from it to the last one. */
  first = 0;
  width = 0;
  begin(): void {
    for (const list of [this.offsets, this.lengths, this.deltas, this.counts]) list.length = 0;
    this.first = 0;
    this.width = 0;
  }
  /** Calls `each` for every bucket from the first to the last, gaps as 0. */
  eachBucket(isFloat: boolean, each: (count: number) => void): void {
    const { values } = isFloat ? this.counts : this.deltas;
    let count = 0;
    let bucket = 0;
    let gap = 0;
    for (let span = 0; span < this.offsets.length; span++) {
      const length = this.lengths.values[span] as number;
      gap += this.offsets.values[span] as number;
      if (length === 0) continue;
      for (; gap > 0 && bucket > 0; gap--) each(0);
      gap = 0;
      for (let i = length; i > 0; i--) {
        count = isFloat ? (values[bucket] as number) : count + (values[bucket] as number);
        bucket++;
        each(count);
      }
    }
  }
}

/** One histogram point. One object for all of a request. */
export class HistogramPoint {
  isFloat = false;
  count = 0;
  sumLo = 0;
  sumHi = 0;
  schema = 0;
  zeroThreshold = 0;
  zeroCount = 0;
  hint = 0;
  timeLo = 0;
  timeHi = 0;
  startLo = 0;
  startHi = 0;
  readonly positive = new Side();
  readonly negative = new Side();
  readonly bounds = new Numbers();
  /** What judge() found, as a clause. */
  problem = '';
  zeroIsFloat = false;
  /** judge() found counts that are no whole numbers. */
  isFractional = false;
  private readonly number = new Float64Array(1);
  private readonly halves = new Uint32Array(this.number.buffer);

  /** The stale marker as a sum says that the series has ended. */
  get isStale(): boolean {
    return this.sumLo === 2 && this.sumHi === 0x7ff00000;
  }

  /** Reads the message at [input.pos, end). @param withStart remote write 2.0 @throws OtlpError */
  read(input: WireInput, end: number, withStart: boolean): void {
    this.begin();
    while (input.pos < end) this.field(input, readTag(input, end), end, withStart);
  }
  /** Empties it. */
  begin(): void {
    this.isFloat = this.zeroIsFloat = this.isFractional = false;
    this.count = this.sumLo = this.sumHi = this.schema = this.zeroThreshold = this.zeroCount = this.hint = 0;
    this.timeLo = this.timeHi = this.startLo = this.startHi = 0;
    this.positive.begin();
    this.negative.begin();
    this.bounds.length = 0;
  }
  private field(input: WireInput, tag: number, end: number, withStart: boolean): void {
    switch (tag) {
      case 0x08:
        readVarint(input, end);
        this.count = input.hi * 2 ** 32 + input.lo;
        this.isFloat = false;
        return;
      case 0x11:
        this.count = this.double(input, end);
        this.isFloat = true;
        return;
      case 0x19:
        this.readSum(input, end);
        return;
      case 0x20:
        this.schema = zigZag(readVarint(input, end));
        return;
      case 0x29:
        this.zeroThreshold = this.double(input, end);
        return;
      case 0x30:
        readVarint(input, end);
        this.zeroCount = input.hi * 2 ** 32 + input.lo;
        this.zeroIsFloat = false;
        return;
      case 0x39:
        this.zeroCount = this.double(input, end);
        this.zeroIsFloat = true;
        return;
      case 0x42:
        this.span(input, end, this.negative);
        return;
      case 0x5a:
        this.span(input, end, this.positive);
        return;
      case 0x4a:
      case 0x48:
        this.deltas(input, tag, end, this.negative.deltas);
        return;
      case 0x62:
      case 0x60:
        this.deltas(input, tag, end, this.positive.deltas);
        return;
      case 0x52:
      case 0x51:
        this.doubles(input, tag, end, this.negative.counts);
        return;
      case 0x6a:
      case 0x69:
        this.doubles(input, tag, end, this.positive.counts);
        return;
      case 0x82:
      case 0x81:
        this.doubles(input, tag, end, this.bounds);
        return;
      case 0x70:
        readVarint(input, end);
        this.hint = input.hi === 0 && input.lo <= 3 ? input.lo : 0;
        return;
      case 0x78:
        readVarint(input, end);
        this.timeLo = input.lo;
        this.timeHi = input.hi;
        return;
      default:
        if (tag === 0x88 && withStart) {
          readVarint(input, end);
          this.startLo = input.lo;
          this.startHi = input.hi;
        } else skipField(input, tag, end);
    }
  }
  /** A NaN keeps its bits. */
  readSum(input: WireInput, end: number): void {
    this.double(input, end);
    this.sumLo = this.halves[0] as number;
    this.sumHi = this.halves[1] as number;
  }
  double(input: WireInput, end: number): number {
    const at = input.pos;
    if (end - at < 8) throw malformed('a 64-bit number is cut off', at);
    this.halves[0] = input.view.getUint32(at, true);
    this.halves[1] = input.view.getUint32(at + 4, true);
    input.pos = at + 8;
    return this.number[0] as number;
  }
  span(input: WireInput, end: number, side: Side): void {
    const length = readLength(input, end);
    const stop = input.pos + length;
    let offset = 0;
    let buckets = 0;
    while (input.pos < stop) {
      const tag = readTag(input, stop);
      if (tag === 0x08) offset = zigZag(readVarint(input, stop));
      else if (tag === 0x10) buckets = readVarint(input, stop);
      else skipField(input, tag, stop);
    }
    side.offsets.push(offset);
    side.lengths.push(buckets);
  }
  deltas(input: WireInput, tag: number, end: number, into: Numbers): void {
    const stop = (tag & 7) === 2 ? readLength(input, end) + input.pos : 0;
    do {
      if (stop > 0 && input.pos >= stop) return;
      readVarint(input, stop > 0 ? stop : end);
      // Sums stay exact below 2^53; what is larger is refused by judge().
      const half = (input.hi >>> 1) * 2 ** 32 + (((input.lo >>> 1) | ((input.hi & 1) << 31)) >>> 0);
      into.push((input.lo & 1) === 0 ? half : -half - 1);
    } while (stop > 0);
  }
  doubles(input: WireInput, tag: number, end: number, into: Numbers): void {
    if ((tag & 7) === 1) {
      into.push(this.double(input, end));
      return;
    }
    const length = readLength(input, end);
    if (length % 8 !== 0) throw malformed('a packed list of 64-bit numbers has a broken length', input.pos);
    for (const stop = input.pos + length; input.pos < stop; ) into.push(this.double(input, stop));
  }

  /** @returns '' when it can be stored; `problem` then says nothing */
  judge(): ReasonCode | '' {
    this.problem = '';
    const impossible = (says: string): ReasonCode => {
      this.problem = says;
      return 'invalid_histogram';
    };
    const { schema, zeroThreshold, zeroCount, isFloat, count, positive, negative } = this;
    const isCustom = schema === CUSTOM_SCHEMA;
    if (!isCustom && (schema < LOWEST_SCHEMA || schema > HIGHEST_SCHEMA)) return impossible(`schema ${schema} is not known`);
    if (!(zeroThreshold >= 0)) return impossible('its zero threshold is negative or not a number');
    if (zeroCount !== 0 && this.zeroIsFloat !== isFloat) return impossible('its count and zero count are of different kinds');
    const custom = isCustom ? this.judgeBounds() : this.bounds.length > 0 ? 'it has custom bounds but another schema' : '';
    if (custom !== '') return impossible(custom);
    const broken = this.judgeSide(positive, 'positive') || this.judgeSide(negative, 'negative');
    if (broken !== '') return impossible(broken);
    if (isCustom && positive.width > 0 && (positive.first < 0 || positive.first + positive.width > this.bounds.length + 1))
      return impossible('it has a bucket beyond its bounds');
    if (positive.width > MAX_BUCKETS || negative.width > MAX_BUCKETS || this.bounds.length >= MAX_BUCKETS) {
      this.problem = `it spans more than ${MAX_BUCKETS} buckets`;
      return 'histogram_too_wide';
    }
    return this.judgeCounts(zeroCount, count);
  }
  private judgeCounts(zeroCount: number, count: number): ReasonCode | '' {
    let total = zeroCount;
    let negative = zeroCount < 0 || count < 0 || Number.isNaN(count) || Number.isNaN(zeroCount);
    let whole = Number.isInteger(zeroCount) && Number.isInteger(count);
    const each = (bucket: number): void => {
      total += bucket;
      negative ||= !(bucket >= 0);
      whole &&= Number.isInteger(bucket);
    };
    this.positive.eachBucket(this.isFloat, each);
    this.negative.eachBucket(this.isFloat, each);
    if (negative) this.problem = 'it has a negative count';
    else if (total >= MAX_EXACT || count >= MAX_EXACT) this.problem = 'it counts 2^53 observations or more';
    else if (!this.isFloat && (this.isNanSum ? total > count : total !== count))
      this.problem = `its buckets hold ${total} observations, its count says ${count}`;
    if (this.problem !== '') return 'invalid_histogram';
    this.isFractional = !whole;
    return '';
  }
  private get isNanSum(): boolean {
    this.halves[0] = this.sumLo;
    this.halves[1] = this.sumHi;
    return Number.isNaN(this.number[0]);
  }
  private judgeBounds(): string {
    const { values, length } = this.bounds;
    for (let i = 0; i < length; i++) {
      if (Number.isNaN(values[i]) || values[i] === Number.POSITIVE_INFINITY) return 'a custom bound is not a finite number';
      if (i > 0 && !((values[i] as number) > (values[i - 1] as number))) return 'its custom bounds do not grow';
    }
    if (this.zeroCount !== 0 || this.zeroThreshold !== 0) return 'it has custom bounds and a zero bucket';
    return this.negative.offsets.length > 0 || this.negative.deltas.length > 0 ? 'it has custom bounds and negative buckets' : '';
  }
  private judgeSide(side: Side, name: string): string {
    const { offsets, lengths } = side;
    const buckets = this.isFloat ? side.counts : side.deltas;
    if ((this.isFloat ? side.deltas : side.counts).length > 0) return `its ${name} buckets are of another kind than its count`;
    let told = 0;
    let at = 0;
    let end = 0;
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets.values[i] as number;
      const length = lengths.values[i] as number;
      if (i > 0 && offset < 0) return `${name} span ${i + 1} begins before the end of the one before`;
      at += offset;
      if (length === 0) continue;
      if (told === 0) side.first = end = at;
      side.width += at - end + length;
      told += length;
      at += length;
      end = at;
    }
    return told === buckets.length ? '' : `its ${name} spans speak of ${told} buckets, there are ${buckets.length}`;
  }
}

import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TIME_IN_FUTURE, TIME_OK, TIME_REASONS, TIME_TOO_OLD, TimeWindow } from '#collectors/otlp/time-window.ts';
import { malformed, readLength, readTag, readVarint, skipField, type WireInput } from '#collectors/otlp/wire.ts';
import { REASONS, type ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import { highNanos, lowNanos, MAX_MS } from './unix-ms.ts';
import { readExemplar, readText, type WriteExemplar } from './write-exemplar.ts';
import { HistogramPoint } from './write-histogram.ts';
import { BAD_SYMBOL, describeLabels, LABELS_OK, type LabelIndex, labelReason } from './write-labels.ts';
import { SymbolTable } from './write-symbols.ts';

/**
 * One remote write request, 1.0 or 2.0, in one pass over its bytes; no object and no string per sample. The collector
 * runs it without rows, to say what is rejected; the engine runs the same code with rows, so the two cannot differ.
 * Spec: prometheus.io/docs/specs/prw/remote_write_spec (1.0), remote_write_spec_2_0.
 */
export type WriteVersion = 1 | 2;
export interface WriteContext {
  readonly limits: Pick<Limits, 'maxAttributes' | 'maxAttributeBytes' | 'maxDecompressedBytes'>;
  /** Arrival, the same value the journal record keeps. */
  readonly receivedUnixNano: bigint;
  /** 0 = off. */
  readonly retentionSeconds: number;
}
/** What the engine does with what is read. A point is refused (false) when the dictionary takes no more series. */
export interface WriteSink {
  /** Points come from now on for the series the reader is at. */
  open(): void;
  sample(timeLo: number, timeHi: number, valueLo: number, valueHi: number, startLo: number, startHi: number): boolean;
  histogram(point: HistogramPoint): boolean;
  exemplar(unixNano: bigint, value: number, labels: readonly (readonly [string, string])[]): boolean;
  metadata(family: string, type: number, help: string, unit: string): void;
}
/** Sample, histogram and exemplar rows of one request: two bytes on the wire become a row, see MAX_ROWS in otlp/check.ts. */
const MAX_ROWS = 1_048_576;
const MAX_EXEMPLARS = 65_536;
/** Buckets of all histograms of a request, gaps filled. */
const MAX_REQUEST_BUCKETS = 4 * 1_048_576;
/** No two bytes of a time. */
const NO_STAMP = -1;
const LABEL_TAG = 0x0a;
const SAMPLE_TAG = 0x12;

export class WriteReader implements WireInput {
  bytes: Uint8Array = new Uint8Array(8);
  view: DataView = new DataView(new ArrayBuffer(8));
  pos = 0;
  lo = 0;
  hi = 0;
  /** Samples and histograms in the request; those of them, and exemplars, that are kept. */
  items = 0;
  samples = 0;
  histograms = 0;
  exemplars = 0;
  /** Series, or exemplars, that were refused for what they are. */
  refused = 0;
  readonly dropped = new Map<string, number>();
  readonly noted = new Map<string, number>();
  /** The first thing that was rejected, as a sentence. */
  problem = '';
  readonly labels: LabelIndex;
  readonly symbols = new SymbolTable();
  /** Number of the series at hand in `labels`; -1 = not remembered. */
  get entry(): number {
    return this.labels.entry;
  }
  /** Label fields of the series at hand: where they can be read. */
  labelInput: WireInput = this;
  labelStart = 0;
  labelEnd = 0;
  /** Metadata of the series at hand (2.0): type, and references to texts. */
  type = 0;
  help = 0;
  unit = 0;
  private readonly sink: WriteSink | null;
  private readonly point = new HistogramPoint();
  private readonly found: WriteExemplar = { unixMs: 0n, value: 0, labels: [], problem: '' };
  private version: WriteVersion = 1;
  private window = new TimeWindow(0n, 0);
  private verdict: number = LABELS_OK;
  /** The labels of a 2.0 series could not be written out; the symbol table says why. */
  private isUnreadable = false;
  private limits: WriteContext['limits'] = { maxAttributes: 0, maxAttributeBytes: 0, maxDecompressedBytes: 0 };
  /** Halves are kept signed: what does not fit a small integer of V8 would be an object per sample. */
  private timeLo = 0;
  private timeHi = 0;
  private timeVerdict: number = TIME_OK;
  /** Bytes of the time read last, where it took six: nearly every sample of a request has the time of its neighbour. */
  private stampA = 0;
  private stampB = NO_STAMP;
  private startLo = 0;
  private startHi = 0;
  /** Start of all samples of the series (2.0 as first published). */
  private created = 0;
  private rows = 0;
  private exemplarCount = 0;
  private buckets = 0;

  constructor(sink: WriteSink | null, labels: LabelIndex) {
    this.sink = sink;
    this.labels = labels;
  }

  /**
   * @param bytes the message in [0, length), readable for 32 bytes more
   * @throws OtlpError when this is not the message it should be, or larger than anything honest
   */
  read(version: WriteVersion, bytes: Uint8Array, length: number, context: WriteContext): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.version = version;
    this.window = new TimeWindow(context.receivedUnixNano, context.retentionSeconds);
    this.items = this.samples = this.histograms = this.exemplars = this.refused = 0;
    this.rows = this.exemplarCount = this.buckets = 0;
    this.stampB = NO_STAMP;
    this.problem = '';
    this.dropped.clear();
    this.noted.clear();
    this.limits = context.limits;
    this.labels.begin(context.limits);
    this.symbols.begin(context.limits);
    this.labelInput = this;
    this.type = this.help = this.unit = this.created = 0;
    this.isUnreadable = false;
    if (version === 1) this.readOne(length);
    else this.readTwo(length);
  }

  private readOne(length: number): void {
    for (this.pos = 0; this.pos < length; ) {
      const at = this.pos;
      const tag = readTag(this, length);
      if (tag === 0x0a) {
        const size = readLength(this, length);
        const end = this.pos + size;
        this.seriesOne(this.pos, end);
        this.pos = end;
      } else if (tag === 0x1a) {
        const size = readLength(this, length);
        this.metadata(this.pos + size);
      } else if (tag === 0x22 || tag === 0x2a) throw malformed('a 2.0 request under the content type of 1.0', at);
      else skipField(this, tag, length);
    }
  }
  private readTwo(length: number): void {
    const { symbols } = this;
    for (this.pos = 0; this.pos < length; ) {
      const at = this.pos;
      const tag = readTag(this, length);
      if (tag === 0x22) {
        const size = readLength(this, length);
        symbols.add(this, this.pos, this.pos + size);
        this.pos += size;
      } else if (tag === 0x0a || tag === 0x1a) throw malformed('a 1.0 request under the content type of 2.0', at);
      else skipField(this, tag, length);
    }
    for (this.pos = 0; this.pos < length; ) {
      const tag = readTag(this, length);
      if (tag !== 0x2a) {
        skipField(this, tag, length);
        continue;
      }
      const size = readLength(this, length);
      const end = this.pos + size;
      this.seriesTwo(this.pos, end);
      this.pos = end;
    }
  }

  /** Labels stand first in what every sender writes; gathered from anywhere otherwise. */
  private seriesOne(start: number, end: number): void {
    const { bytes, view, labels } = this;
    const predicted = labels.predict(view, start, end, 0);
    let p = start + predicted;
    if (predicted >= 0 && (p === end || bytes[p] !== LABEL_TAG)) this.verdict = labels.verdictOf(labels.entry);
    else {
      for (p = start; p < end && bytes[p] === LABEL_TAG; ) {
        this.pos = p + 1;
        const size = readLength(this, end);
        p = this.pos + size;
      }
      this.verdict = labels.find(this, start, p, 0);
    }
    this.labelInput = this;
    this.labelStart = start;
    this.labelEnd = p;
    if (this.hasLabels(p, end)) this.gatherLabels(start, end);
    this.points(p, end, 0x22, 0x1a);
  }
  /** Label fields behind others: legal, and written by nobody we know. */
  private hasLabels(start: number, end: number): boolean {
    const { bytes } = this;
    for (let p = start; p < end; ) {
      const tag = bytes[p] as number;
      const size = bytes[p + 1] as number;
      if (tag === LABEL_TAG) return true;
      if (tag < 0x80 && (tag & 7) === 2 && size < 0x80 && tag > 7) p += size + 2;
      else {
        this.pos = p;
        const known = readTag(this, end);
        if (known === LABEL_TAG) return true;
        skipField(this, known, end);
        p = this.pos;
      }
    }
    return false;
  }
  private gatherLabels(start: number, end: number): void {
    const { symbols } = this;
    symbols.beginLabels();
    for (this.pos = start; this.pos < end; ) {
      const tag = readTag(this, end);
      if (tag !== LABEL_TAG) {
        skipField(this, tag, end);
        continue;
      }
      const size = readLength(this, end);
      symbols.copyLabel(this.bytes, this.pos, this.pos + size);
      this.pos += size;
    }
    this.verdict = this.labels.find(symbols, 0, symbols.length, 0);
    this.labelInput = symbols;
    this.labelStart = 0;
    this.labelEnd = symbols.length;
  }

  private seriesTwo(start: number, end: number): void {
    const { symbols } = this;
    this.type = this.help = this.unit = this.created = 0;
    symbols.beginLabels();
    let verdict = LABELS_OK;
    for (this.pos = start; this.pos < end; ) {
      const tag = readTag(this, end);
      if (tag === 0x0a) {
        const size = readLength(this, end);
        for (const stop = this.pos + size; this.pos < stop; ) {
          const reference = readVarint(this, stop);
          if (verdict === LABELS_OK) verdict = symbols.addReference(reference, this.hi);
        }
      } else if (tag === 0x08) {
        const reference = readVarint(this, end);
        if (verdict === LABELS_OK) verdict = symbols.addReference(reference, this.hi);
      } else if (tag === 0x2a) {
        const size = readLength(this, end);
        this.seriesMetadata(this.pos + size);
      } else if (tag === 0x30) {
        readVarint(this, end);
        this.created = this.milliseconds();
      } else skipField(this, tag, end);
    }
    if (verdict === LABELS_OK) verdict = symbols.finishLabels();
    if (verdict === LABELS_OK && Math.max(this.help, this.unit) >= Math.max(1, symbols.count)) {
      symbols.problem = 'its help or unit refers to no symbol';
      verdict = BAD_SYMBOL;
    }
    this.labelInput = symbols;
    this.labelStart = 0;
    this.labelEnd = symbols.length;
    this.isUnreadable = verdict !== LABELS_OK;
    if (verdict === LABELS_OK) {
      const salt = this.type + 1;
      const predicted = this.labels.predict(symbols.view, 0, symbols.length, salt);
      verdict =
        predicted === symbols.length ? this.labels.verdictOf(this.labels.entry) : this.labels.find(symbols, 0, symbols.length, salt);
    }
    this.verdict = verdict;
    this.points(start, end, 0x1a, 0x22);
  }
  private seriesMetadata(end: number): void {
    while (this.pos < end) {
      const tag = readTag(this, end);
      if (tag === 0x08) {
        const type = readVarint(this, end);
        this.type = this.hi === 0 && type <= 7 ? type : 0;
        if (this.type !== type || this.hi !== 0) this.note('unknown_enum');
      } else if (tag === 0x18 || tag === 0x20) {
        const reference = readVarint(this, end);
        if (tag === 0x18) this.help = this.hi === 0 ? reference : 0xffff_ffff;
        else this.unit = this.hi === 0 ? reference : 0xffff_ffff;
      } else skipField(this, tag, end);
    }
  }

  /** Samples, histograms and exemplars of the message in [start, end); all other fields are passed over. */
  private points(start: number, end: number, histogramTag: number, exemplarTag: number): void {
    const { bytes, view } = this;
    if (this.verdict === LABELS_OK) this.sink?.open();
    else this.refuse(labelReason(this.verdict), () => this.explainLabels());
    for (let p = start; p < end; ) {
      // The form all senders write: value, then a time of six bytes, the same as before.
      if (
        bytes[p] === SAMPLE_TAG &&
        bytes[p + 1] === 16 &&
        bytes[p + 2] === 0x09 &&
        bytes[p + 11] === 0x10 &&
        p + 18 <= end &&
        view.getInt32(p + 12, true) === this.stampA &&
        view.getUint16(p + 16, true) === this.stampB
      ) {
        this.setStart(this.created);
        this.keepSample(view.getInt32(p + 3, true), view.getInt32(p + 7, true));
        p += 18;
        continue;
      }
      this.pos = p;
      const tag = readTag(this, end);
      if (tag === SAMPLE_TAG || tag === histogramTag || tag === exemplarTag) {
        const size = readLength(this, end);
        p = this.pos + size;
        if (tag === SAMPLE_TAG) this.sample(p);
        else if (tag === histogramTag) this.histogram(p);
        else this.exemplar(p);
      } else {
        skipField(this, tag, end);
        p = this.pos;
      }
    }
  }

  private sample(end: number): void {
    let lo = 0;
    let hi = 0;
    let timed = false;
    let start = this.created;
    while (this.pos < end) {
      const tag = readTag(this, end);
      const at = this.pos;
      if (tag === 0x09) {
        if (end - at < 8) throw malformed('a 64-bit number is cut off', at);
        lo = this.view.getInt32(at, true);
        hi = this.view.getInt32(at + 4, true);
        this.pos = at + 8;
      } else if (tag === 0x10) {
        readVarint(this, end);
        this.setTime(this.lo, this.hi);
        timed = true;
        if (this.pos - at === 6) {
          this.stampA = this.view.getInt32(at, true);
          this.stampB = this.view.getUint16(at + 4, true);
        } else this.stampB = NO_STAMP;
      } else if (tag === 0x18 && this.version === 2) {
        readVarint(this, end);
        start = this.milliseconds();
      } else skipField(this, tag, end);
    }
    if (!timed) {
      this.setTime(0, 0);
      this.stampB = NO_STAMP;
    }
    this.setStart(start);
    this.keepSample(lo, hi);
  }
  /** The value goes through as its bits: a stale marker is a NaN like no other. */
  private keepSample(lo: number, hi: number): void {
    this.countRow();
    this.items++;
    if (this.verdict !== LABELS_OK) this.drop(labelReason(this.verdict));
    else if (this.timeVerdict !== TIME_OK) this.refusePoint(TIME_REASONS[this.timeVerdict] as ReasonCode, 'a sample');
    else if (this.sink?.sample(this.timeLo, this.timeHi, lo, hi, this.startLo, this.startHi) ?? true) this.samples++;
    else this.drop('too_many_series');
  }

  private histogram(end: number): void {
    const { point } = this;
    point.read(this, end, this.version === 2);
    this.countRow();
    this.items++;
    this.setTime(point.timeLo, point.timeHi);
    // The next sample reads its time anew.
    this.stampB = NO_STAMP;
    this.lo = point.startLo;
    this.hi = point.startHi;
    this.setStart(this.milliseconds() || this.created);
    if (this.verdict !== LABELS_OK) {
      this.drop(labelReason(this.verdict));
      return;
    }
    const reason = point.judge();
    if (reason !== '') {
      this.refusePoint(reason, 'a histogram', point.problem);
      return;
    }
    this.buckets += point.positive.width + point.negative.width + point.bounds.length;
    if (this.buckets > MAX_REQUEST_BUCKETS)
      throw new OtlpError('decompressed_too_large', `the histograms of one request span more than ${MAX_REQUEST_BUCKETS} buckets`);
    if (this.timeVerdict !== TIME_OK) {
      this.refusePoint(TIME_REASONS[this.timeVerdict] as ReasonCode, 'a histogram');
      return;
    }
    point.timeLo = this.timeLo;
    point.timeHi = this.timeHi;
    point.startLo = this.startLo;
    point.startHi = this.startHi;
    if (this.sink?.histogram(point) ?? true) this.histograms++;
    else this.drop('too_many_series');
  }

  private exemplar(end: number): void {
    const { found } = this;
    this.countRow();
    readExemplar(this, end, this.version === 1 ? null : this.symbols, this.limits, found);
    if (++this.exemplarCount > MAX_EXEMPLARS) found.problem ||= `there are more than ${MAX_EXEMPLARS} in one request`;
    if (this.verdict !== LABELS_OK) this.note('exemplar_invalid');
    else if (found.problem !== '') {
      this.note('exemplar_invalid');
      this.refuse('exemplar_invalid', () => `an exemplar of series ${this.seriesText()}: ${found.problem}`);
    } else this.keepExemplar(found);
  }
  private keepExemplar({ unixMs, value, labels }: WriteExemplar): void {
    const nanos = unixMs * 1_000_000n;
    const inRange = unixMs >= 0n && unixMs <= BigInt(MAX_MS);
    if (!inRange || this.window.verdict(Number(nanos >> 32n), Number(nanos & 0xffff_ffffn)) !== TIME_OK) this.note('exemplar_time');
    else if (this.sink?.exemplar(nanos, value, labels) ?? true) this.exemplars++;
    else this.note('exemplar_invalid');
  }
  /** Metadata of a family (1.0). */
  private metadata(end: number): void {
    let [type, family, help, unit] = [0, '', '', ''];
    while (this.pos < end) {
      const tag = readTag(this, end);
      if (tag === 0x08) type = readVarint(this, end);
      else if (tag === 0x12) family = readText(this, end);
      else if (tag === 0x22) help = readText(this, end);
      else if (tag === 0x2a) unit = readText(this, end);
      else skipField(this, tag, end);
    }
    this.sink?.metadata(family, type <= 7 ? type : 0, help, unit);
  }

  /** The varint read last as signed milliseconds, for a start: 0 when it is none that can be kept. */
  private milliseconds(): number {
    const value = (this.hi | 0) * 2 ** 32 + this.lo;
    if (value >= 0 && value <= MAX_MS) return value;
    this.note('out_of_range_value');
    return 0;
  }
  private setStart(unixMs: number): void {
    if (unixMs === 0) this.startLo = this.startHi = 0;
    else {
      this.startLo = lowNanos(unixMs) | 0;
      this.startHi = highNanos(unixMs);
    }
  }
  /** @param hi upper half of a signed number of milliseconds, as unsigned */
  private setTime(lo: number, hi: number): void {
    const unixMs = (hi | 0) * 2 ** 32 + lo;
    this.timeLo = this.timeHi = 0;
    if (unixMs < 0) this.timeVerdict = TIME_TOO_OLD;
    else if (unixMs > MAX_MS) this.timeVerdict = TIME_IN_FUTURE;
    else {
      const low = lowNanos(unixMs);
      this.timeLo = low | 0;
      this.timeHi = highNanos(unixMs);
      this.timeVerdict = this.window.verdict(this.timeHi, low);
    }
  }

  private countRow(): void {
    if (++this.rows > MAX_ROWS)
      throw new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} samples, histograms or exemplars in one request`);
  }
  private drop(reason: ReasonCode): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
  }
  private note(reason: ReasonCode): void {
    this.noted.set(reason, (this.noted.get(reason) ?? 0) + 1);
  }
  private refusePoint(reason: ReasonCode, what: string, detail = ''): void {
    this.drop(reason);
    this.refuse(reason, () => `${what} of series ${this.seriesText()}: ${detail || REASONS[reason].says}`);
  }
  /** The answer must say no; it tells the first thing. */
  private refuse(reason: ReasonCode, says: () => string): void {
    this.refused++;
    if (this.problem === '') this.problem = `${reason}: ${says()}`;
  }
  private explainLabels(): string {
    const { labelInput, labelStart, labelEnd } = this;
    if (this.isUnreadable) return `series ${this.seriesText()}: ${this.symbols.problem}`;
    return this.labels.explain(labelInput, labelStart, labelEnd);
  }
  private seriesText(): string {
    return describeLabels(this.labelInput, this.labelStart, this.labelEnd);
  }
}

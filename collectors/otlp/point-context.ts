import type { Dictionary } from '#contracts/columns.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { Origin } from './decode-origin.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import type { MetricHead, SeriesIndex } from './series-index.ts';
import { TIME_OK, TIME_REASONS } from './time-window.ts';

/**
 * What every data point needs to become a row: its metric, and a place to note what is found before the row is
 * written. One object for all points of a request.
 */
export class PointContext {
  dictionary!: Dictionary;
  timeLo = 0;
  timeHi = 0;
  startLo = 0;
  startHi = 0;
  flags = 0;
  hasExemplars = false;
  /** Where the attribute fields are; they must stand side by side. */
  private attributesStart = 0;
  private attributesEnd = 0;
  readonly head: MetricHead;
  private readonly series: SeriesIndex;
  private readonly origin: Origin;

  constructor(head: MetricHead, series: SeriesIndex, origin: Origin) {
    this.head = head;
    this.series = series;
    this.origin = origin;
  }
  begin(): void {
    this.timeLo = 0;
    this.timeHi = 0;
    this.startLo = 0;
    this.startHi = 0;
    this.flags = 0;
    this.hasExemplars = false;
    this.attributesStart = 0;
    this.attributesEnd = 0;
  }
  /** One attribute field, tag included. */
  addAttribute(start: number, end: number): void {
    if (this.attributesEnd === 0) this.attributesStart = start;
    else if (this.attributesEnd !== start) throw IRREGULAR;
    this.attributesEnd = end;
  }
  /** Series of a point whose attribute fields are exactly the bytes [start, end), if it is the one that is due; else 0. */
  expected(d: Decoding, start: number, end: number): number {
    return this.origin.resourceId === 0 ? 0 : this.series.expected(d, start, end);
  }
  /** Judges the time first, so that the collector, which knows no series, counts the same. @returns series id, 0 = dropped and counted */
  resolve(d: Decoding, number: 'i' | 'd' | ''): number {
    if ((this.timeLo | this.timeHi) === 0) {
      d.note('time_missing');
      this.timeLo = d.window.receivedLo;
      this.timeHi = d.window.receivedHi;
    }
    const verdict = d.window.verdict(this.timeHi, this.timeLo);
    if (verdict !== TIME_OK) {
      d.drop(TIME_REASONS[verdict] as ReasonCode);
      return 0;
    }
    // Without its resource's number a series could not be told from the same one of another resource.
    const id =
      this.origin.resourceId === 0
        ? 0
        : this.series.seriesOf(d, this.attributesStart, this.attributesEnd, this.head, this.origin, this.dictionary, number);
    if (id === 0) d.drop('too_many_series');
    return id;
  }
}

import { type acceptTime, MAX_AHEAD_NS } from '#contracts/accept-time.ts';

export const TIME_OK = 0;
export const TIME_TOO_OLD = 1;
export const TIME_IN_FUTURE = 2;
const MAX_I64 = 0x7fffffffffffffffn;
const low = (value: bigint): number => Number(value & 0xffffffffn);
const high = (value: bigint): number => Number(value >> 32n);

/**
 * contracts/accept-time.ts on pairs of 32-bit halves: a BigInt per item would cost as much as half the item's decode.
 * The same window serves the structural check and the decoder, so their verdicts cannot differ.
 */
export class TimeWindow {
  readonly receivedLo: number;
  readonly receivedHi: number;
  private readonly firstLo: number;
  private readonly firstHi: number;
  private readonly lastLo: number;
  private readonly lastHi: number;

  constructor(receivedUnixNano: bigint, retentionSeconds: number) {
    const limit = receivedUnixNano + MAX_AHEAD_NS;
    // What is stored is a signed 64-bit time.
    const last = limit < MAX_I64 ? limit : MAX_I64;
    const oldest = retentionSeconds > 0 ? receivedUnixNano - BigInt(retentionSeconds) * 1_000_000_000n : 0n;
    const first = oldest > 0n ? oldest : 0n;
    this.receivedLo = low(receivedUnixNano);
    this.receivedHi = high(receivedUnixNano);
    this.firstLo = low(first);
    this.firstHi = high(first);
    this.lastLo = low(last);
    this.lastHi = high(last);
  }

  /** @returns TIME_OK, TIME_TOO_OLD or TIME_IN_FUTURE for an unsigned 64-bit time in two halves */
  verdict(hi: number, lo: number): number {
    if (hi > this.lastHi || (hi === this.lastHi && lo > this.lastLo)) return TIME_IN_FUTURE;
    if (hi < this.firstHi || (hi === this.firstHi && lo < this.firstLo)) return TIME_TOO_OLD;
    return TIME_OK;
  }
}

/** The reason code of a verdict, in the words of the contract. */
export const TIME_REASONS = ['ok', 'time_too_old', 'time_in_future'] as const satisfies readonly ReturnType<typeof acceptTime>[];

/**
 * Which event times are taken in. Pure in (time, arrival, retention), so the collector's answer, the engine's decode
 * and every replay of the journal agree.
 */
const DAY_NS = 86_400_000_000_000n;
/** Senders' clocks drift; a day ahead is kept (and shown), more is refused. */
export const MAX_AHEAD_NS = DAY_NS;
export type TimeVerdict = 'ok' | 'time_too_old' | 'time_in_future';

/**
 * @param unixNano event time, unsigned 64-bit as on the wire
 * @param receivedUnixNano arrival
 * @param retentionSeconds 0 = retention off: anything from 1970 on is taken
 */
export function acceptTime(unixNano: bigint, receivedUnixNano: bigint, retentionSeconds: number): TimeVerdict {
  if (unixNano > receivedUnixNano + MAX_AHEAD_NS) return 'time_in_future';
  if (retentionSeconds > 0 && unixNano < receivedUnixNano - BigInt(retentionSeconds) * 1_000_000_000n) return 'time_too_old';
  return 'ok';
}

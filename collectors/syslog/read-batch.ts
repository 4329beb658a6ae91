import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { Transcoded } from '#collectors/otlp/receiver.ts';
import { parseSyslog } from './parse-syslog.ts';
import type { SyslogClock } from './syslog-time.ts';
import { type ReceivedMessage, writeSyslog } from './write-otlp.ts';

/** A message as it came, without its frame. */
export interface SyslogItem {
  readonly bytes: Buffer;
  readonly receivedNs: bigint;
  /** Address of whoever sent it, '' = not known. */
  readonly peer: string;
}

/** Messages to OTLP; one that is none is counted and takes no other with it. */
export function readBatch(items: readonly SyslogItem[], clock: SyslogClock): Transcoded {
  const messages: ReceivedMessage[] = [];
  let unreadable = 0;
  let problem = '';
  let bytes = 0;
  for (const { bytes: sent, receivedNs, peer } of items) {
    bytes += sent.length;
    try {
      messages.push({ message: parseSyslog(sent, clock), receivedNs, peer });
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      unreadable++;
      if (problem === '') problem = `${peer === '' ? '' : `From ${peer}: `}${error.message}`;
    }
  }
  return { body: messages.length === 0 ? new Uint8Array(0) : writeSyslog(messages, bytes * 2), unreadable, problem };
}

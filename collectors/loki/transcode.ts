import { MAX_ROWS } from '#collectors/otlp/check.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { Transcoded } from '#collectors/otlp/receiver.ts';
import { SnappyBuffer } from '#collectors/pipeline/snappy.ts';
import type { Limits } from '#contracts/settings.ts';
import { TooMany } from './push-entry.ts';
import { readJsonPush } from './read-json.ts';
import { readProtobufPush } from './read-protobuf.ts';
import { writeLokiStreams } from './write-otlp.ts';

export interface PushFormat {
  readonly format: 'json' | 'protobuf';
  /** X-Scope-OrgID; '' = none. */
  readonly tenant: string;
}
const inflated = new SnappyBuffer();

/**
 * @param body JSON, decompressed; protobuf as sent, one snappy block
 * @throws OtlpError when nothing can be read: malformed, invalid_utf8, decompressed_too_large; DecompressError
 */
export function transcodeLoki(body: Uint8Array, { format, tenant }: PushFormat, limits: Pick<Limits, 'maxDecompressedBytes'>): Transcoded {
  try {
    let plain = body;
    if (format === 'protobuf') {
      inflated.fill(body, limits.maxDecompressedBytes);
      plain = inflated.bytes.subarray(0, inflated.length);
    }
    const { streams, unreadable, problem, entries } = format === 'json' ? readJsonPush(plain) : readProtobufPush(plain);
    if (unreadable > 0 && unreadable === entries) throw new OtlpError('malformed', `none of ${entries} entries can be read; ${problem}`);
    return { body: writeLokiStreams(streams, tenant, plain.length), unreadable, problem };
  } catch (caught) {
    const error =
      caught instanceof TooMany ? new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} entries in one request`) : caught;
    if (!(error instanceof OtlpError)) throw error;
    throw new OtlpError(error.reason, `cannot read a Loki push from ${body.length} bytes: ${error.message}`);
  }
}

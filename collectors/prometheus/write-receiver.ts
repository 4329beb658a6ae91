import type { IncomingMessage } from 'node:http';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { arrivalOf, type Forwarded, type ReceiverOptions, reserveBeside, withinRate } from '#collectors/otlp/receiver.ts';
import { Refusal } from '#collectors/otlp/receiver-refusal.ts';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { DecompressError } from '#collectors/pipeline/decompress.ts';
import { JournalError } from '#collectors/pipeline/journal-error.ts';
import type { LeftOut } from '#collectors/pipeline/left-out.ts';
import type { SenderConnection } from '#collectors/pipeline/senders.ts';
import { snappyHead } from '#collectors/pipeline/snappy.ts';
import type { BatchMeta } from '#contracts/forward-headers.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import type { CheckedWrite } from './check-write.ts';
import type { WriteVersion } from './write-reader.ts';

/** The receiving side of Prometheus remote write, 1.0 and 2.0: prometheus.io/docs/specs/prw/remote_write_spec_2_0. */
export const WRITE_PATH = '/api/v1/write';
const MESSAGES: Readonly<Record<string, WriteVersion>> = { 'prometheus.WriteRequest': 1, 'io.prometheus.write.v2.Request': 2 };

/** @throws Refusal with 415, on which a sender of 2.0 falls back to 1.0 */
export function writeVersionOf({ headers }: IncomingMessage): WriteVersion {
  const header = headers['content-type'] ?? '';
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim());
  const proto = parameters.map((part) => /^proto="?([^"]*)"?$/i.exec(part)?.[1]).find((name) => name !== undefined);
  const message = proto ?? 'prometheus.WriteRequest';
  const version = Object.hasOwn(MESSAGES, message) ? MESSAGES[message] : undefined;
  if ((type !== '' && type.toLowerCase() !== 'application/x-protobuf') || version === undefined)
    throw new Refusal(
      'unsupported_content_type',
      `The content type is "${header.slice(0, 200)}"`,
      `Remote write takes application/x-protobuf with proto=${Object.keys(MESSAGES).join(' or ')}.`,
    );
  const encoding = (headers['content-encoding'] ?? 'snappy').trim().toLowerCase();
  if (encoding !== 'snappy')
    throw new Refusal('unsupported_encoding', `The content encoding is "${encoding.slice(0, 200)}"`, 'Remote write takes snappy.');
  return version;
}
/** What a 2.0 sender compares with what it sent; without them it takes it that nothing was written. */
export const writtenHeaders = (written: Pick<CheckedWrite, 'samples' | 'histograms' | 'exemplars'>): Readonly<Record<string, string>> => ({
  'x-prometheus-remote-write-samples-written': String(written.samples),
  'x-prometheus-remote-write-histograms-written': String(written.histograms),
  'x-prometheus-remote-write-exemplars-written': String(written.exemplars),
});

/** What is written of what was taken. */
function without(checked: CheckedWrite, left: LeftOut): CheckedWrite {
  const all = left.samples + left.histograms;
  if (all === 0) return checked;
  const samples = Math.max(0, checked.samples - left.samples);
  // The engine does not know the kind of all it leaves out.
  const histograms = Math.max(0, checked.samples + checked.histograms - all - samples);
  const own = `${all} of ${checked.items} samples and histograms left out: their series are over a limit of series (source_series or too_many_series)`;
  const problem = checked.problem === '' ? own : `${checked.problem}; ${own}`;
  return { ...checked, samples, histograms, exemplars: Math.max(0, checked.exemplars - left.exemplars), problem };
}

/** Loaded by the first request or warmUp: the ports must be open before that. */
let checking: Promise<typeof import('./check-write.ts')> | null = null;
let checkModule: typeof import('./check-write.ts') | null = null;
export function loadWriteCheck(): Promise<typeof import('./check-write.ts')> {
  checking ??= import('./check-write.ts').then((module) => {
    checkModule = module;
    return module;
  });
  return checking;
}

/**
 * Checks and appends as received; resolves once it is durable. What is rejected is in the receipt, the rest is stored.
 * @param body as sent; lent until this settles
 * @throws Refusal
 */
export async function receiveWrite(
  options: ReceiverOptions,
  request: {
    readonly version: WriteVersion;
    readonly body: Uint8Array;
    readonly account: SourceAccount;
    readonly connection?: SenderConnection;
    /** Set by an import: a repeat is left out. */
    readonly forwarded?: Forwarded | null;
  },
): Promise<CheckedWrite> {
  const { version, body, account, connection, forwarded = null } = request;
  const { limits, budget, retentionSeconds, senders, turns } = options;
  try {
    const { plainBytes } = snappyHead(body, limits.maxDecompressedBytes);
    const sender = connection?.sender;
    const reservation = reserveBeside(budget, body, plainBytes, sender ?? null);
    try {
      const turn = turns.enter(sender?.key ?? account.source, body.length + plainBytes);
      if (turn) await turn;
      const { checkWrite } = checkModule ?? (await loadWriteCheck());
      const receivedUnixNano = arrivalOf(options, forwarded ?? undefined);
      const checked = checkWrite(version, body, { limits, receivedUnixNano, retentionSeconds });
      withinRate(options, account.source, checked.items);
      let left: LeftOut | null = null;
      if (plainBytes > 0) {
        const position = await options.append(
          {
            kind: version === 1 ? RecordKind.write1 : RecordKind.write2,
            format: BodyFormat.protobuf,
            encoding: BodyEncoding.snappy,
            receivedUnixNano,
            retentionSeconds,
            items: checked.items,
            source: account.source,
            meta: forwarded ? JSON.stringify({ batch: forwarded.batch } satisfies BatchMeta) : '',
            body,
          },
          sender?.key,
        );
        // A repeat of a batch is not decoded once more.
        if (!forwarded && options.leftOut.holds(account.source)) left = await options.leftOut.of(position);
      }
      if (connection) senders.accepted(connection, body.length);
      account.accept('metrics', checked.samples + checked.histograms, body.length);
      return left ? without(checked, left) : checked;
    } finally {
      reservation.free();
    }
  } catch (error) {
    if (error instanceof OtlpError)
      throw new Refusal(error.reason, `cannot read remote write ${version}.0 from ${body.length} bytes: ${error.message}`);
    if (error instanceof DecompressError || error instanceof JournalError) throw new Refusal(error.reason, error.message);
    throw error;
  }
}

import { SnappyBuffer } from '#collectors/pipeline/snappy.ts';
import type { DecodedRecord, Dictionary } from '#contracts/columns.ts';
import { LabelIndex } from './write-labels.ts';
import { type WriteContext, WriteReader, type WriteVersion } from './write-reader.ts';
import { WriteRows } from './write-rows.ts';

interface Decoder {
  readonly inflated: SnappyBuffer;
  readonly reader: WriteReader;
  readonly rows: WriteRows;
}
const decoders = new WeakMap<Dictionary, Decoder>();
function decoderFor(dictionary: Dictionary): Decoder {
  let decoder = decoders.get(dictionary);
  if (!decoder) {
    const rows = new WriteRows();
    decoder = { inflated: new SnappyBuffer(), reader: new WriteReader(rows, new LabelIndex()), rows };
    rows.dictionary = dictionary;
    rows.reader = decoder.reader;
    decoders.set(dictionary, decoder);
  }
  return decoder;
}

/**
 * One acknowledged remote write body -> columns. The type a series has in the dictionary may depend on metadata that came
 * before; rows, drops and identities depend on nothing but the body and the limits.
 * @param body one snappy block
 * @param context `items`: as counted by the check; `lend`: the batches' memory is used again by the next decode
 * @returns items = rows of samples and histograms + sum of `dropped`; exemplars ride along
 * @throws DecompressError, OtlpError on a body that checkWrite refuses
 */
export function decodeWrite(
  version: WriteVersion,
  body: Uint8Array,
  context: WriteContext & { readonly dictionary: Dictionary; readonly items: number; readonly lend?: boolean },
): DecodedRecord {
  const { inflated, reader, rows } = decoderFor(context.dictionary);
  inflated.fill(body, context.limits.maxDecompressedBytes);
  rows.start(Math.min(context.items, inflated.length / 2), { bodyLength: inflated.length, isLent: context.lend === true });
  reader.read(version, inflated.bytes, inflated.length, context);
  const noted = new Map(reader.noted);
  if (rows.familiesLost > 0) noted.set('too_many_families', rows.familiesLost);
  return { batches: rows.batches(), dropped: new Map(reader.dropped), noted };
}

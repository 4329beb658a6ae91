import { SnappyBuffer } from '#collectors/pipeline/snappy.ts';
import { LabelIndex } from './write-labels.ts';
import { type WriteContext, WriteReader, type WriteVersion } from './write-reader.ts';

/** What the answer must state about a remote write body; decode-write.ts reads the same with the same code. */
export interface CheckedWrite {
  /** Samples and histograms in the body. */
  readonly items: number;
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** '' when everything was taken in; else the first thing that was not, and how much of what. */
  readonly problem: string;
}
/** What the collector remembers of labels: less than the engine, which would otherwise ask the dictionary. */
const CHECK_LABEL_BYTES = 32 * 1024 * 1024;

let checking: { readonly inflated: SnappyBuffer; readonly reader: WriteReader } | null = null;

/** @param body one snappy block @throws DecompressError, OtlpError when the body as a whole is to be refused */
export function checkWrite(version: WriteVersion, body: Uint8Array, context: WriteContext): CheckedWrite {
  checking ??= { inflated: new SnappyBuffer(), reader: new WriteReader(null, new LabelIndex(CHECK_LABEL_BYTES)) };
  const { inflated, reader } = checking;
  inflated.fill(body, context.limits.maxDecompressedBytes);
  reader.read(version, inflated.bytes, inflated.length, context);
  const { items, samples, histograms, exemplars, refused } = reader;
  return { items, samples, histograms, exemplars, problem: refused === 0 ? '' : problemOf(reader) };
}
function problemOf({ items, samples, histograms, problem, dropped, noted }: WriteReader): string {
  const counts = [...dropped].map(([reason, count]) => `${count} ${reason}`);
  const exemplars = noted.get('exemplar_invalid') ?? 0;
  if (exemplars > 0) counts.push(`${exemplars} exemplars`);
  const total = `${items - samples - histograms} of ${items} samples and histograms rejected`;
  return `${total}${counts.length > 0 ? ` (${counts.join(', ')})` : ''}; the rest is stored. First: ${problem}`;
}

import { FILE_LIMITS } from '#contracts/file-formats.ts';
import { ByteWindow } from './byte-window.ts';
import type { Bytes } from './file-record.ts';

export interface Line {
  /** 1-based. */
  readonly number: number;
  /** Bytes of content before it. */
  readonly offset: number;
  /** Without its end; lent until the next block. null: longer than a record may be. */
  readonly bytes: Buffer | null;
}
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Lines in blocks, one for each chunk read: a turn of the loop per line would cost more than the line. Empty ones are left out. */
export async function* readLines(content: Bytes, maxBytes: number = FILE_LIMITS.recordBytes): AsyncGenerator<Line[]> {
  const window = new ByteWindow();
  let number = 1;
  let tooLong: Line | null = null;
  for await (const chunk of content) {
    window.append(chunk);
    const lines: Line[] = [];
    const view = window.view();
    const base = window.offset;
    let at = 0;
    // What was looked at before holds no end.
    let search = Math.max(0, view.length - chunk.length);
    for (;;) {
      const end = view.indexOf(NEWLINE, search);
      if (end < 0) break;
      if (tooLong) {
        lines.push(tooLong);
        tooLong = null;
      } else push(lines, number, base + at, view.subarray(at, end), maxBytes);
      number++;
      at = end + 1;
      search = at;
    }
    window.drop(at);
    if (window.length > maxBytes || tooLong) {
      tooLong ??= { number, offset: window.offset, bytes: null };
      window.drop(window.length);
    }
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = [];
  if (tooLong) last.push(tooLong);
  else push(last, number, window.offset, window.view(), maxBytes);
  if (last.length > 0) yield last;
}
function push(lines: Line[], number: number, offset: number, bytes: Buffer, maxBytes: number): void {
  const end = bytes[bytes.length - 1] === RETURN ? bytes.length - 1 : bytes.length;
  if (end === 0) return;
  lines.push({ number, offset, bytes: end > maxBytes ? null : bytes.subarray(0, end) });
}
export const tooLongLine = ({ number, offset }: Line) => ({
  line: number,
  offset,
  reason: 'body_too_large',
  message: `the line is longer than ${FILE_LIMITS.recordBytes} bytes`,
});

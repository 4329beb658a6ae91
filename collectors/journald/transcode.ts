import { MAX_ROWS } from '#collectors/otlp/check.ts';
import { byResource, writeLogGroups } from '#collectors/otlp/log-writer.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { Transcoded } from '#collectors/otlp/receiver.ts';
import { type JournalItem, journalItem, NO_TIME } from './entry-item.ts';
import { type JournalFields, PARTIAL, readEntry } from './parse-export.ts';

export const MAX_ENTRY_BYTES = 16 * 1024 * 1024;
/** Several values of a field in one text. */
export const textsOf = (fields: JournalFields): Map<string, string> =>
  new Map([...fields].map(([name, value]) => [name, typeof value === 'string' ? value : value.join(', ')]));

/**
 * What systemd-journal-upload posts, as an ExportLogsServiceRequest.
 * @param body decompressed @throws OtlpError when nothing in it can be read
 */
export function transcodeJournal(body: Uint8Array): Transcoded {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const items: JournalItem[] = [];
  let unreadable = 0;
  let problem = '';
  let entries = 0;
  for (let at = 0; at < bytes.length; ) {
    const entry = readEntry(bytes, at, true, MAX_ENTRY_BYTES);
    if (entry === null || entry === PARTIAL) break;
    if (++entries > MAX_ROWS) throw new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} entries in one request`);
    const item = 'fields' in entry ? journalItem(textsOf(entry.fields)) : null;
    if (item === null) {
      unreadable++;
      if (problem === '') problem = `entry ${entries}, at byte ${at}: ${'problem' in entry ? entry.problem : NO_TIME}`;
    } else items.push(item);
    at = entry.next;
  }
  if (unreadable > 0 && items.length === 0)
    throw new OtlpError(
      'malformed',
      `cannot read the journal from ${body.length} bytes: none of ${entries} entries can be read; ${problem}`,
    );
  return { body: writeLogGroups(byResource(items), bytes.length + 1024), unreadable, problem };
}

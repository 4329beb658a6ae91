import { journalItem, NO_TIME } from '#collectors/journald/entry-item.ts';
import { PARTIAL, readEntry } from '#collectors/journald/parse-export.ts';
import { textsOf } from '#collectors/journald/transcode.ts';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import { Batch, LOGS, ResourceCache } from './batch.ts';
import { ByteWindow } from './byte-window.ts';
import type { Bytes, FileReading } from './file-record.ts';

/** journalctl -o export. */
export async function* readJournalExport(content: Bytes): FileReading {
  const window = new ByteWindow();
  const batch = new Batch(LOGS);
  const resources = new ResourceCache();
  let entries = 0;
  function* take(last: boolean): Generator<Awaited<ReturnType<FileReading['next']>>['value'] & object> {
    const bytes = window.view();
    let at = 0;
    for (;;) {
      const entry = readEntry(bytes, at, last, FILE_LIMITS.recordBytes);
      if (entry === null || entry === PARTIAL) break;
      const offset = window.offset + at;
      at = entry.next;
      entries++;
      const item = 'fields' in entry ? journalItem(textsOf(entry.fields)) : null;
      if (item === null) {
        const { reason, problem } = 'problem' in entry ? entry : { reason: 'malformed', problem: NO_TIME };
        yield { line: entries, offset, reason, message: problem };
        continue;
      }
      const record = batch.add({ ...item, line: entries, resource: resources.of(item.resource) });
      if (record) yield record;
    }
    window.drop(at);
  }
  // What did not end is read again from its beginning: only once there is much more of it.
  let enough = 0;
  for await (const chunk of content) {
    window.append(chunk);
    if (window.length < enough) continue;
    yield* take(false);
    enough = window.length * 2;
  }
  yield* take(true);
  const rest = batch.flush();
  if (rest) yield rest;
}

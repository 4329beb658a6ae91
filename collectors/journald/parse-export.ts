/**
 * systemd's Journal Export Format (systemd.io/JOURNAL_EXPORT_FORMATS): entries of fields, parted by an empty line. A field is
 * NAME=text and a line feed; or, for bytes of any kind, NAME, a line feed, 64 bits of length (little-endian), the bytes, a line feed.
 */
export type JournalValue = string | readonly string[];
export type JournalFields = ReadonlyMap<string, JournalValue>;
export interface ExportEntry {
  readonly fields: JournalFields;
  /** Where the next one begins. */
  readonly next: number;
}
/** Something that is no entry. */
export interface ExportFault {
  readonly reason: 'malformed' | 'body_too_large';
  readonly problem: string;
  /** Where reading may go on: behind the next empty line, at least behind what was looked at. */
  readonly next: number;
}
/** The entry does not end in these bytes. */
export const PARTIAL = 'partial';

const LINE_FEED = 0x0a;
const LENGTH_BYTES = 8;
/** sd_journal_print(3): capitals, digits, underscores. Address fields (__CURSOR) begin with two of these. */
const NAME = /^[A-Z_][A-Z0-9_]{0,63}$/;
const MAX_FIELDS = 1_024;
const END = Buffer.from('\n\n');

const shown = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes.subarray(0, 40)).toString('latin1'));
/** Behind the next empty line; -1: there is none yet. */
function behindEntry(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(END, Math.max(0, from - 1));
  return end < 0 ? -1 : end + END.length;
}

/**
 * The entry that begins at `from`, over empty lines before it. Bytes that are no UTF-8 become U+FFFD.
 * @param last nothing comes after these bytes: an entry may end with them
 * @param maxEntryBytes one that is larger is a fault
 * @returns null: there is none
 */
export function readEntry(
  bytes: Buffer,
  from: number,
  last: boolean,
  maxEntryBytes: number,
): ExportEntry | ExportFault | typeof PARTIAL | null {
  let at = from;
  while (at < bytes.length && bytes[at] === LINE_FEED) at++;
  if (at === bytes.length) return null;
  const begin = at;
  const fields = new Map<string, JournalValue>();
  const fault = (problem: string, reason: ExportFault['reason'] = 'malformed'): ExportFault | typeof PARTIAL => {
    const next = behindEntry(bytes, at);
    if (next < 0 && !last && bytes.length - begin <= maxEntryBytes) return PARTIAL;
    return { reason, problem, next: next < 0 ? bytes.length : next };
  };
  const cut = (): ReturnType<typeof fault> => {
    if (bytes.length - begin > maxEntryBytes) return fault(`the entry has more than ${maxEntryBytes} bytes`, 'body_too_large');
    return last ? fault('the entry is cut off') : PARTIAL;
  };
  for (;;) {
    const feed = bytes.indexOf(LINE_FEED, at);
    // Only the last line may lack its end.
    if (feed < 0 && !(last && bytes.indexOf(0x3d, at) > 0))
      return at === bytes.length && last && fields.size > 0 ? { fields, next: at } : cut();
    const end = feed < 0 ? bytes.length : feed;
    if (end === at) return { fields, next: end + 1 };
    const line = bytes.subarray(at, end);
    const equals = line.indexOf(0x3d);
    const name = line.toString('latin1', 0, equals < 0 ? line.length : Math.min(equals, 65));
    if (!NAME.test(name)) return fault(`${shown(line)} is no field`);
    if (fields.size >= MAX_FIELDS) return fault(`the entry has more than ${MAX_FIELDS} fields`, 'body_too_large');
    if (equals >= 0) {
      add(fields, name, line.toString('utf8', equals + 1));
      at = Math.min(bytes.length, end + 1);
      continue;
    }
    const dataAt = end + 1 + LENGTH_BYTES;
    if (dataAt > bytes.length) return cut();
    const length = bytes.readBigUInt64LE(end + 1);
    if (length > BigInt(maxEntryBytes)) {
      at = end + 1;
      return fault(`the field ${name} has ${length} bytes, the limit is ${maxEntryBytes}`, 'body_too_large');
    }
    const dataEnd = dataAt + Number(length);
    if (dataEnd >= bytes.length) return dataEnd === bytes.length && last ? fault('the entry is cut off') : cut();
    if (bytes[dataEnd] !== LINE_FEED) {
      at = end + 1;
      return fault(`no line feed follows the ${length} bytes of ${name}`);
    }
    add(fields, name, bytes.toString('utf8', dataAt, dataEnd));
    at = dataEnd + 1;
  }
}
/** A field may come more than once. */
function add(fields: Map<string, JournalValue>, name: string, value: string): void {
  const known = fields.get(name);
  fields.set(name, known === undefined ? value : typeof known === 'string' ? [known, value] : [...known, value]);
}

import { createHash } from 'node:crypto';

/** Longest folder name, with room below the 255 bytes file systems take. */
const MAX_NAME_BYTES = 180;

/**
 * Folder name of a service: everything but letters, digits, "_", "-" and "." as %XX of its UTF-8, as Hive escapes; readers
 * unescape it. Too long a name is cut and told apart by a hash: the column service_name has the whole of it.
 */
export function servicePart(service: string): string {
  if (service === '') return 'service=__HIVE_DEFAULT_PARTITION__';
  // A dot at the end of a folder's name is lost on Windows.
  const whole = escaped(service).replace(/\.$/, '%2E');
  if (whole.length <= MAX_NAME_BYTES) return `service=${whole}`;
  const hash = createHash('sha256').update(service).digest('hex').slice(0, 16);
  return `service=${cut(service)}-${hash}`;
}
const escaped = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9_.-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
/** Whole characters only: half of one would be no text after unescaping. */
function cut(service: string): string {
  let text = '';
  for (const char of service) {
    const next = text + escaped(char);
    if (next.length > MAX_NAME_BYTES - 17) break;
    text = next;
  }
  return text;
}

interface Place {
  readonly table: string;
  readonly date: string;
  readonly service: string;
}
/** A path for each, with "/"; two that differ in case only get files of different names: some file systems see one folder. */
export function partitionPaths(partitions: readonly Place[]): string[] {
  const seen = new Map<string, number>();
  return partitions.map(({ table, date, service }) => {
    const folder = `${table}/date=${date}/${servicePart(service)}`;
    const before = seen.get(folder.toLowerCase()) ?? 0;
    seen.set(folder.toLowerCase(), before + 1);
    return `${folder}/part-${before}.parquet`;
  });
}

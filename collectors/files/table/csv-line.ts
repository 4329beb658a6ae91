/** Delimited text by RFC 4180: quotes are doubled inside quotes, line ends may stand there. */
const DELIMITERS = [',', ';', '\t', '|'];

/** The delimiter the header has most of, outside quotes; null: none. */
export function sniffDelimiter(header: string): string | null {
  const bare = header.replace(/"[^"]*"/g, '');
  const count = (each: string): number => bare.split(each).length - 1;
  const best = DELIMITERS.reduce((a, b) => (count(b) > count(a) ? b : a));
  return count(best) > 0 ? best : null;
}
/** Fields of a record; 'open': a quote is not closed yet; 'broken': text follows a closing one. */
export function parseCsvRecord(line: string, delimiter: string): string[] | 'open' | 'broken' {
  if (!line.includes('"')) return line.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      let text = '';
      let from = at + 1;
      for (;;) {
        const end = line.indexOf('"', from);
        if (end < 0) return 'open';
        text += line.slice(from, end);
        if (line[end + 1] !== '"') {
          at = end + 1;
          break;
        }
        text += '"';
        from = end + 2;
      }
      fields.push(text);
      if (at >= line.length) return fields;
      if (line[at] !== delimiter) return 'broken';
    } else {
      const end = line.indexOf(delimiter, at);
      fields.push(end < 0 ? line.slice(at) : line.slice(at, end));
      if (end < 0) return fields;
      at = end;
    }
    at++;
    if (at === line.length) {
      fields.push('');
      return fields;
    }
  }
}
/** Fields of a line by itself; null: it is no whole record. */
export function parseCsvLine(line: string, delimiter: string): string[] | null {
  const fields = parseCsvRecord(line, delimiter);
  return typeof fields === 'string' ? null : fields;
}

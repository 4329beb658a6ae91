/** Keys of a prometheus.yml whose values nobody is shown, as Prometheus hides them. */
const SECRET = '(?:password|credentials|bearer_token|secret_key|client_secret|api_key|application_secret|consumer_key|token|refresh_token)';
const HIDDEN = '<secret>';

/** The text of a configuration with its secrets hidden: also those in blocks of several lines, in braces, and in addresses. */
export function maskSecrets(yaml: string): string {
  const lines: string[] = [];
  /** Depth of the key whose block is being left out. */
  let hidden = -1;
  for (const line of yaml.split('\n')) {
    const depth = line.search(/\S/);
    if (hidden >= 0 && (depth < 0 || depth > hidden)) continue;
    hidden = -1;
    const block = new RegExp(String.raw`^(\s*(?:-\s+)?)(["']?${SECRET}["']?\s*:)(.*)$`).exec(line);
    if (block) {
      const [, indent = '', key = ''] = block;
      hidden = indent.length;
      lines.push(`${indent}${key} ${HIDDEN}`);
      continue;
    }
    lines.push(
      line
        .replace(new RegExp(String.raw`([{,]\s*["']?${SECRET}["']?\s*:\s*)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,}\s]+)`, 'g'), `$1${HIDDEN}`)
        .replace(/(\/\/[^/\s:@]+:)[^/\s@]+@/g, `$1${HIDDEN}@`),
    );
  }
  return lines.join('\n');
}

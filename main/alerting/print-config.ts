import type { YamlNode } from '#query/rules/yaml-node.ts';

/** Keys whose values are nobody's business, also in a file that is shown; addresses of webhooks carry tokens. */
const SECRET = /(?:^|_)(?:password|secrets?|credentials|token|key|api_url|url|routing_key|service_key|user_key|webhook_url)$/;
/** Addresses that are none. */
const OPEN = new Set(['proxy_url', 'key_file', 'source_url', 'token_url', 'external_url', 'group_key']);
const MASK = '<secret>';

/** A configuration as YAML again, without what is secret. */
export function printConfig(node: YamlNode | null): string {
  return node === null ? '' : `${lines(node, 0).join('\n')}\n`;
}
function lines(node: YamlNode, depth: number): string[] {
  const indent = '  '.repeat(depth);
  if (node.kind === 'scalar') return [`${indent}${scalar(node)}`];
  if (node.kind === 'list') {
    if (node.items.length === 0) return [`${indent}[]`];
    return node.items.flatMap((item) => {
      const [first = '', ...rest] = lines(item, depth + 1);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  if (node.entries.length === 0) return [`${indent}{}`];
  return node.entries.flatMap(({ key, value }) => {
    const name = /^[A-Za-z_][\w-]*$/.test(key.text) ? key.text : JSON.stringify(key.text);
    if (value.kind === 'scalar') return [`${indent}${name}: ${isSecret(key.text) && value.text !== '' ? MASK : scalar(value)}`];
    if (isSecret(key.text))
      return value.kind === 'list' ? [`${indent}${name}: [${value.items.map(() => MASK).join(', ')}]`] : [`${indent}${name}: ${MASK}`];
    const isEmpty = value.kind === 'list' ? value.items.length === 0 : value.entries.length === 0;
    return isEmpty ? [`${indent}${name}: ${lines(value, 0)[0]}`] : [`${indent}${name}:`, ...lines(value, depth + 1)];
  });
}
const isSecret = (key: string): boolean => SECRET.test(key) && !OPEN.has(key);
/** A proxy's address may carry a password. */
const withoutUser = (text: string): string => text.replace(/^([a-z]+:\/\/)[^/@]*@/i, `$1${MASK}@`);
const scalar = ({ text, tag }: Extract<YamlNode, { kind: 'scalar' }>): string =>
  tag === '!!null' ? 'null' : tag === '!!str' || tag === '!!timestamp' ? JSON.stringify(withoutUser(text)) : text;

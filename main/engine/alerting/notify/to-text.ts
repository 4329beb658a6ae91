import type { Integration } from '#query/alerting/config.ts';

/** Where an integration delivers to, without what is secret: of a webhook's address only its host, as the rest may be a token. */
export function toText(each: Integration): string {
  switch (each.kind) {
    case 'webhook':
      return hostOf(each.url.value?.reveal()) ?? `address in ${each.url.file ?? 'no file'}`;
    case 'email':
      return each.to;
    case 'syslog':
      return `${each.transport}://${each.host}:${each.port}`;
    case 'foreign':
      return each.type;
    default:
      return '';
  }
}
const hostOf = (url: string | undefined): string | null =>
  url === undefined ? null : URL.canParse(url) ? new URL(url).origin : 'no address';

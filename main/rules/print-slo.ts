import { stringify } from 'yaml';
import type { NewSlo } from '#contracts/slo.ts';
import { spanSelector } from '#query/span-series.ts';

export interface WrittenSlo {
  /** service-name, as it will be read. */
  readonly id: string;
  /** A file of Sloth. */
  readonly text: string;
}
const MAX_NAME = 80;
/** What Sloth takes for a name. */
function nameOf(text: string, otherwise: string): string {
  const plain = text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(0, MAX_NAME)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return plain.length > 0 ? plain : otherwise;
}
const camel = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** An objective over requests of spans: share of errors, or of those slower than a threshold. */
export function printSlo({ service, operation, kind, thresholdMs = 0, target }: NewSlo): WrittenSlo {
  const [serviceName, what] = [nameOf(service, 'service'), kind === 'errors' ? 'availability' : `latency-${thresholdMs}ms`];
  const name = operation === '' ? what : `${nameOf(operation, 'operation')}-${what}`.toLowerCase();
  const of = operation === '' ? service : `${operation} of ${service}`;
  const bad = kind === 'errors' ? { errors: true, slowerMs: null } : { errors: false, slowerMs: thresholdMs };
  const query = (filter: Parameters<typeof spanSelector>[0]): string => `sum(sum_over_time(${spanSelector(filter)}[{{.window}}]))`;
  const document = {
    version: 'prometheus/v1',
    service: serviceName,
    slos: [
      {
        ...{ name, objective: target },
        description: kind === 'errors' ? `Requests to ${of} succeed.` : `Requests to ${of} take at most ${thresholdMs} ms.`,
        sli: { events: { error_query: query({ service, operation, bad }), total_query: query({ service, operation, bad: null }) } },
        alerting: {
          name: `${camel(serviceName)}${camel(name)}Burns`,
          page_alert: { labels: { severity: 'page' } },
          ticket_alert: { labels: { severity: 'ticket' } },
        },
      },
    ],
  };
  const head = '# Made on the SLO page of Faultline; Sloth reads it as well. Its requests are counted from spans: faultline_requests.\n';
  return { id: `${serviceName}-${name}`, text: head + stringify(document, { lineWidth: 0, version: '1.1' }) };
}

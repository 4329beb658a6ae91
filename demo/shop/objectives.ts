/** Service level objectives of the shop, as a file of Sloth; the requests are counted from spans (query/span-series.ts). */
const requests = (selector: string): string => `sum(sum_over_time(faultline_requests{${selector}}[{{.window}}]))`;
const objective = (name: string, target: number, description: string, service: string, bad: string): string => `
  - name: ${name}
    objective: ${target}
    description: ${description}
    sli:
      events:
        error_query: ${requests(`service_name="${service}", bad="${bad}"`)}
        total_query: ${requests(`service_name="${service}"`)}
    alerting:
      name: Shop${name
        .split('-')
        .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
        .join('')}Burns
      page_alert: { labels: { severity: page } }
      ticket_alert: { labels: { severity: ticket } }
`;
export const OBJECTIVES = `version: prometheus/v1
service: shop
labels: { owner: shop-team }
slos:${objective('checkout-availability', 99, 'Orders are taken.', 'checkout', 'error')}${objective(
  'storefront-latency',
  95,
  'Pages come within 400 ms.',
  'storefront',
  '>400ms',
)}`;

import { createRandom } from './random.ts';
import { HOST_TYPE, HOSTS, REGION } from './shop/topology.ts';

/**
 * A month of the shop's bill as its cloud provider would export it: FOCUS 1.3, CSV. Synthetic, from a seed: a day's
 * rows are the same whenever they are asked for, so that tomorrow's month repeats today's days.
 */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const BILL_DAYS = 30;
const ACCOUNT = '417203958861';
const COLUMNS = [
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'BilledCost',
  'EffectiveCost',
  'ContractedCost',
  'ListCost',
  'ListUnitPrice',
  'ContractedUnitPrice',
  'PricingCategory',
  'PricingQuantity',
  'PricingUnit',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ServiceName',
  'ServiceCategory',
  'ServiceProviderName',
  'HostProviderName',
  'InvoiceIssuerName',
  'RegionId',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'SkuId',
  'Tags',
] as const;
type Column = (typeof COLUMNS)[number];

/** What the shop pays for by the day besides its hosts. Prices in millionths of a dollar, quantities in thousandths. */
interface DailyItem {
  readonly service: string;
  readonly category: string;
  readonly what: string;
  readonly unit: string;
  readonly resource: string;
  readonly type: string;
  /** Service a tag names; '' shared. */
  readonly owner: string;
  readonly priceMicro: number;
  readonly quantity: number;
  /** Share by which the quantity differs from day to day. */
  readonly spread: number;
}
const item = (
  service: string,
  category: string,
  what: string,
  unit: string,
  resource: string,
  type: string,
  owner: string,
  price: number,
  quantity: number,
  spread = 0,
): DailyItem => ({ service, category, what, unit, resource, type, owner, priceMicro: Math.round(price * 1e6), quantity, spread });
const DAILY: readonly DailyItem[] = [
  item(
    'Amazon Relational Database Service',
    'Databases',
    'db.m6g.xlarge PostgreSQL Multi-AZ',
    'Hours',
    'db:orders-db',
    'DB Instance',
    'checkout',
    0.694,
    24,
  ),
  item(
    'Amazon Relational Database Service',
    'Databases',
    'db.m6g.large PostgreSQL',
    'Hours',
    'db:catalog-db',
    'DB Instance',
    'catalog',
    0.174,
    24,
  ),
  item(
    'Amazon Relational Database Service',
    'Databases',
    'db.m6g.large PostgreSQL',
    'Hours',
    'db:accounts-db',
    'DB Instance',
    'accounts',
    0.174,
    24,
  ),
  item('Amazon ElastiCache', 'Databases', 'cache.m6g.large', 'Hours', 'cluster:redis', 'Cache Node', 'cart', 0.163, 24),
  item(
    'Amazon Managed Streaming for Apache Kafka',
    'Analytics',
    'kafka.m5.large brokers',
    'Hours',
    'cluster/order-events',
    'Kafka Cluster',
    'fulfilment',
    0.228,
    72,
  ),
  item(
    'Amazon CloudFront',
    'Networking',
    'Data transfer out to Europe',
    'GB',
    'distribution/E1SHOP',
    'Distribution',
    'storefront',
    0.085,
    212,
    0.2,
  ),
  item(
    'Amazon Simple Storage Service',
    'Storage',
    'Standard storage',
    'GB-Days',
    'bucket/product-images',
    'Bucket',
    'image-resizer',
    0.000767,
    3_480,
    0.01,
  ),
  item(
    'Amazon Simple Email Service',
    'Integration',
    'Outbound mail',
    '1000 Mails',
    'identity/harborlane',
    'Identity',
    'notifications',
    0.1,
    41,
    0.25,
  ),
  item(
    'Elastic Load Balancing',
    'Networking',
    'Application load balancer',
    'Hours',
    'loadbalancer/app/shop',
    'Load Balancer',
    '',
    0.0252,
    24,
  ),
  item('Amazon Virtual Private Cloud', 'Networking', 'NAT gateway', 'Hours', 'natgateway/nat-0a5', 'NAT Gateway', '', 0.048, 72),
  item('Amazon Elastic Compute Cloud', 'Networking', 'Data transfer between zones', 'GB', '', '', '', 0.01, 390, 0.15),
  item('Amazon Elastic Block Store', 'Storage', 'gp3 volumes of the hosts', 'GB-Days', '', 'Volume', '', 0.002933, 472),
];

/** Whole numbers of 1e-9 dollars as decimal text: no binary fraction comes near an amount. */
const dollars = (nano: number): string => `${Math.floor(nano / 1e9)}.${String(nano % 1e9).padStart(9, '0')}`;
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
function monthOf(ms: number): { readonly start: number; readonly end: number } {
  const date = new Date(ms);
  return { start: Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1), end: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) };
}
interface Charge {
  readonly startMs: number;
  readonly endMs: number;
  readonly priceMicro: number;
  /** Thousandths. */
  readonly milli: number;
  /** Part of the list price that is paid, thousandths. */
  readonly paid: number;
  readonly rest: Partial<Record<Column, string>>;
}
function line({ startMs, endMs, priceMicro, milli, paid, rest }: Charge): string {
  const month = monthOf(startMs);
  const contractedMicro = Math.round((priceMicro * paid) / 1000);
  const cost = dollars(contractedMicro * milli);
  const quantity = (milli / 1000).toFixed(3);
  const row: Partial<Record<Column, string>> = {
    BillingAccountId: ACCOUNT,
    BillingAccountName: 'Harborlane Retail',
    BillingCurrency: 'USD',
    BillingPeriodStart: iso(month.start),
    BillingPeriodEnd: iso(month.end),
    ChargePeriodStart: iso(startMs),
    ChargePeriodEnd: iso(endMs),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    BilledCost: cost,
    EffectiveCost: cost,
    ContractedCost: cost,
    ListCost: dollars(priceMicro * milli),
    ListUnitPrice: (priceMicro / 1e6).toFixed(6),
    ContractedUnitPrice: (contractedMicro / 1e6).toFixed(6),
    PricingCategory: 'Standard',
    PricingQuantity: quantity,
    ConsumedQuantity: quantity,
    ServiceProviderName: 'AWS',
    HostProviderName: 'AWS',
    InvoiceIssuerName: 'Amazon Web Services EMEA SARL',
    RegionId: REGION,
    ...rest,
  };
  return COLUMNS.map((column) => quoted(row[column] ?? '')).join(',');
}
const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function* hostHours(dayMs: number): Generator<string> {
  for (const host of HOSTS)
    for (let hour = 0; hour < 24; hour += 1) {
      const startMs = dayMs + hour * HOUR_MS;
      yield line({
        startMs,
        endMs: startMs + HOUR_MS,
        priceMicro: Math.round(HOST_TYPE.listPerHour * 1e6),
        milli: 1000,
        // What the company has negotiated on machines.
        paid: 930,
        rest: {
          ChargeDescription: `${HOST_TYPE.name} Linux on demand`,
          PricingUnit: 'Hours',
          ConsumedUnit: 'Hours',
          ServiceName: 'Amazon Elastic Compute Cloud',
          ServiceCategory: 'Compute',
          ResourceId: `arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${host.id}`,
          ResourceName: host.name,
          ResourceType: 'Instance',
          SkuId: `ec2-${HOST_TYPE.name}`,
          Tags: JSON.stringify({ cluster: 'harborlane-eu', environment: 'production' }),
        },
      });
    }
}
function* dailyItems(seed: string, dayMs: number): Generator<string> {
  for (const [i, each] of DAILY.entries()) {
    const random = createRandom(`${seed}/bill/${dayMs}/${i}`);
    const factor = 1 + each.spread * (2 * random.next() - 1);
    yield line({
      startMs: dayMs,
      endMs: dayMs + DAY_MS,
      priceMicro: each.priceMicro,
      milli: Math.round(each.quantity * factor * 1000),
      paid: 1000,
      rest: {
        ChargeDescription: each.what,
        PricingUnit: each.unit,
        ConsumedUnit: each.unit,
        ServiceName: each.service,
        ServiceCategory: each.category,
        ResourceId: each.resource === '' ? '' : `arn:aws:${REGION}:${ACCOUNT}:${each.resource}`,
        ResourceName: each.resource.split(/[:/]/).at(-1) ?? '',
        ResourceType: each.type,
        SkuId: `sku-${i + 1}`,
        Tags: each.owner === '' ? '{}' : JSON.stringify({ service: each.owner, environment: 'production' }),
      },
    });
  }
}
/** The support plan, charged once for each month that is over. */
function support(month: { readonly start: number; readonly end: number }): string {
  return line({
    startMs: month.start,
    endMs: month.end,
    priceMicro: 100_000_000,
    milli: 1000,
    paid: 1000,
    rest: {
      ChargeCategory: 'Purchase',
      ChargeFrequency: 'Recurring',
      ChargeDescription: 'Business support',
      PricingUnit: 'Months',
      ConsumedUnit: 'Months',
      ServiceName: 'AWS Support',
      ServiceCategory: 'Other',
      SkuId: 'support-business',
      Tags: '{}',
    },
  });
}
export interface ShopBill {
  readonly name: string;
  readonly csv: string;
}
/** The days before today (UTC): a provider's export runs a day behind. @param nowMs Unix ms */
export function shopBill(seed: number | string, nowMs: number): ShopBill {
  const endMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const startMs = endMs - BILL_DAYS * DAY_MS;
  const lines: string[] = [COLUMNS.join(',')];
  for (let dayMs = startMs; dayMs < endMs; dayMs += DAY_MS) {
    lines.push(...hostHours(dayMs), ...dailyItems(`${seed}`, dayMs));
    const month = monthOf(dayMs);
    if (month.end === dayMs + DAY_MS) lines.push(support(month));
  }
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return { name: `harborlane-${day(startMs)}-to-${day(endMs - DAY_MS)}.csv`, csv: `${lines.join('\n')}\n` };
}

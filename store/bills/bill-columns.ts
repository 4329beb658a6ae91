/** Columns of the bill view, and the FOCUS columns they are read from (first found wins; names ignore case). */
export interface BillColumn {
  readonly name: string;
  readonly focus: readonly string[];
  readonly kind: 'text' | 'amount' | 'time' | 'tags';
  readonly about: string;
}
const column = (kind: BillColumn['kind'], name: string, about: string, ...aliases: string[]): BillColumn => ({
  name,
  focus: [
    name
      .split('_')
      .map((word) => word[0]?.toUpperCase() + word.slice(1))
      .join(''),
    ...aliases,
  ],
  kind,
  about,
});
const text = (name: string, about: string, ...aliases: string[]): BillColumn => column('text', name, about, ...aliases);
const amount = (name: string, about: string): BillColumn => column('amount', name, about);
const time = (name: string, about: string): BillColumn => column('time', name, about);

export const BILL_COLUMNS: readonly BillColumn[] = [
  time('charge_period_start', 'Start of what is charged, UTC.'),
  time('charge_period_end', 'Its end, exclusive.'),
  time('billing_period_start', 'Start of the billing period.'),
  time('billing_period_end', 'Its end, exclusive.'),
  text('billing_currency', 'Currency of all costs of the row (ISO 4217); XXX when the bill does not say.'),
  amount('effective_cost', 'Cost with commitments spread over what they pay for: what a window costs.'),
  amount('billed_cost', 'What the invoice says.'),
  amount('contracted_cost', 'At negotiated prices, before commitments.'),
  amount('list_cost', 'At list prices.'),
  amount('contracted_unit_price', 'Negotiated price per pricing unit.'),
  amount('list_unit_price', 'List price per pricing unit.'),
  amount('pricing_quantity', 'Quantity priced.'),
  text('pricing_unit', 'Its unit.'),
  text('pricing_category', 'Standard, Dynamic, Committed, Other.'),
  amount('consumed_quantity', 'Quantity consumed.'),
  text('consumed_unit', 'Its unit.'),
  text('charge_category', 'Usage, Purchase, Tax, Credit, Adjustment.'),
  text('charge_class', 'Correction for a correction of an earlier period.'),
  text('charge_description', 'What is charged, in words.'),
  text('charge_frequency', 'One-Time, Recurring, Usage-Based.'),
  text('service_name', "The provider's service."),
  text('service_category', 'Its FOCUS category.'),
  text('service_subcategory', 'Its FOCUS subcategory.'),
  text('service_provider_name', 'Who provides it; ProviderName before FOCUS 1.3.', 'ProviderName', 'Provider'),
  text('host_provider_name', 'On whose infrastructure; FOCUS 1.3.'),
  text('publisher_name', 'Who makes it.', 'Publisher'),
  text('invoice_issuer_name', 'Who bills it.', 'InvoiceIssuer'),
  text('billing_account_id', 'Billing account.'),
  text('billing_account_name', 'Its name.'),
  text('sub_account_id', 'Account or subscription within it.'),
  text('sub_account_name', 'Its name.'),
  text('resource_id', 'Resource charged for.'),
  text('resource_name', 'Its name.'),
  text('resource_type', 'Its type.'),
  text('region_id', 'Region.', 'Region'),
  text('region_name', 'Its name.'),
  text('availability_zone', 'Zone.'),
  text('sku_id', 'What is priced.'),
  text('sku_price_id', 'Its price.'),
  text('commitment_discount_id', 'Commitment the row belongs to.'),
  text('commitment_discount_status', 'Used or Unused.'),
  column('tags', 'tags', "The resource's tags."),
];

/** Mandatory in every FOCUS version: their absence is told once. */
const MANDATORY = new Set(
  'billed_cost billing_account_id billing_currency billing_period_start billing_period_end charge_category charge_period_start charge_period_end contracted_cost effective_cost invoice_issuer_name list_cost service_category service_name service_provider_name'.split(
    ' ',
  ),
);

/** Where each column of the view lies in a file: index into its header. */
export interface BillLayout {
  readonly header: readonly string[];
  readonly at: ReadonlyMap<string, number>;
  /** Columns with no place of their own: kept in `other` under their own name. */
  readonly other: readonly number[];
  /** FOCUS names of mandatory columns that are missing. */
  readonly missing: readonly string[];
  readonly version: string;
}
export function layOut(header: readonly string[]): BillLayout {
  const lower = header.map((name) => name.toLowerCase());
  const at = new Map<string, number>();
  for (const { name, focus } of BILL_COLUMNS) {
    const index = focus.map((alias) => lower.indexOf(alias.toLowerCase())).find((found) => found >= 0);
    if (index !== undefined) at.set(name, index);
  }
  const used = new Set(at.values());
  return {
    header,
    at,
    other: header.flatMap((_, i) => (used.has(i) ? [] : [i])),
    missing: BILL_COLUMNS.filter(({ name }) => MANDATORY.has(name) && !at.has(name)).map(({ focus }) => focus[0] ?? ''),
    version: versionOf(new Set(lower)),
  };
}
/** The newest version whose own columns the header has. */
function versionOf(names: ReadonlySet<string>): string {
  const has = (...columns: string[]): boolean => columns.some((name) => names.has(name.toLowerCase()));
  if (has('InvoiceDetailId', 'CommitmentProgramEligibilityDetails')) return '1.4';
  if (has('ServiceProviderName', 'HostProviderName', 'ContractApplied')) return '1.3';
  if (has('InvoiceId', 'BillingAccountType', 'PricingCurrency')) return '1.2';
  if (has('CommitmentDiscountQuantity', 'CapacityReservationId', 'SkuMeter')) return '1.1';
  return has('ProviderName', 'InvoiceIssuerName') ? '1.0' : '';
}
/** A row needs a cost and a period to mean anything. */
export const isBill = ({ at }: BillLayout): boolean =>
  (at.has('effective_cost') || at.has('billed_cost')) && (at.has('charge_period_start') || at.has('billing_period_start'));

/**
 * What may be wrong with a FOCUS bill. Closed list: a line of docs/errors.md each. `refused`: the row (or file) is not
 * taken. `noted`: it is taken as it stands, and the reader should know. Rules: FOCUS 1.0-1.4 and its sample checker.
 */
export interface BillRule {
  readonly kind: 'refused' | 'noted';
  readonly says: string;
  readonly todo: string;
}
const r = (kind: BillRule['kind'], says: string, todo: string): BillRule => ({ kind, says, todo });
const ASK = 'Ask the provider, or look at the row; it is taken as billed.';
const EXPORT = 'Export the bill again as FOCUS CSV.';
export const BILL_PROBLEMS = {
  not_a_bill: r(
    'refused',
    'The header names no FOCUS cost and period columns.',
    'Export in the FOCUS format (needs BilledCost or EffectiveCost, and ChargePeriodStart and ChargePeriodEnd).',
  ),
  not_utf8: r('refused', 'The file is not UTF-8 text.', 'Save it as UTF-8 CSV.'),
  duplicate_column: r('refused', 'The header names a column twice.', EXPORT),
  too_many_columns: r('refused', 'The header names more columns than a bill may have.', EXPORT),
  cut_off: r('refused', 'The file ends early or does not decompress.', 'Download it again.'),
  too_many_rows: r('refused', 'The file has more rows than a bill may have.', 'Split it, for instance by billing period.'),
  bad_line: r('refused', 'The line does not have the columns of the header, or a quote is not closed.', EXPORT),
  not_a_number: r(
    'refused',
    'An amount is no FOCUS number such as 1.234 or 35.2E-7.',
    'Plain digits, no thousands separators, no leading +.',
  ),
  too_large: r(
    'refused',
    'A cost of 1,000,000,000,000 or more in one row: sums of such could not be kept exactly.',
    'Check the amount and its currency.',
  ),
  not_a_time: r('refused', 'A time cannot be read.', 'Use 2026-05-01T00:00:00Z.'),
  missing_cost: r('refused', 'Neither EffectiveCost nor BilledCost is given.', EXPORT),
  missing_period: r('refused', 'The row has no charge period and no billing period.', EXPORT),
  backward_period: r('refused', 'The charge period ends before it starts.', ASK),
  missing_columns: r('noted', 'Columns that FOCUS makes mandatory are missing.', 'What needs them is left out; the rest is taken.'),
  missing_currency: r('noted', 'No billing currency; kept apart as XXX.', 'Add BillingCurrency, such as USD.'),
  cost_from_billed: r('noted', 'EffectiveCost is missing; BilledCost stands for it.', 'Commitments may be counted at the wrong time.'),
  rounded: r('noted', 'An amount has more than 18 decimals and was rounded.', 'Nothing, unless such small amounts matter.'),
  mixed_currencies: r(
    'noted',
    'The bill is in several currencies; each is summed apart.',
    'Nothing: amounts of different currencies are never added.',
  ),
  repeated_rows: r(
    'noted',
    'Rows that another file already brought were left out.',
    'Nothing; if this file replaces that one, remove the other first.',
  ),
  overlapping_period: r(
    'noted',
    'Another bill of the same provider covers part of the period; rows that differ were added to it.',
    'If this file replaces that one, remove the other (Cost page, or DELETE /console/cost/bills/ID).',
  ),
  missing_price: r('noted', 'A priced quantity without ListUnitPrice or ContractedUnitPrice.', ASK),
  negative_price: r('noted', 'A unit price is below 0.', ASK),
  negative_usage: r('noted', 'A usage charge below 0 that is no correction.', ASK),
  unknown_category: r('noted', 'ChargeCategory is none of Usage, Purchase, Tax, Credit, Adjustment.', ASK),
  list_cost_differs: r('noted', 'ListCost is not ListUnitPrice x PricingQuantity.', ASK),
  contracted_cost_differs: r('noted', 'ContractedCost is not ContractedUnitPrice x PricingQuantity.', ASK),
  discount_order: r('noted', 'On used commitment, EffectiveCost < ContractedCost <= ListCost does not hold.', ASK),
  credit_differs: r('noted', 'A credit whose EffectiveCost is not its BilledCost.', ASK),
  purchase_effective: r('noted', 'A commitment purchase with an EffectiveCost: its cost is counted twice.', ASK),
  unused_billed: r('noted', 'An unused commitment row with a BilledCost or a consumed quantity.', ASK),
  unit_without_quantity: r('noted', 'PricingUnit and PricingQuantity are not given together.', ASK),
  commitment_unbalanced: r(
    'noted',
    'For a commitment, the EffectiveCost of its usage is not the BilledCost of its purchases in this file.',
    'Expected where the purchase lies in another period; else ask the provider.',
  ),
} as const satisfies Record<string, BillRule>;
export type BillProblemCode = keyof typeof BILL_PROBLEMS;

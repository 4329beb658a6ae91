import { z } from 'zod';
import type { NodeUsage, ServiceUsage } from './resource-usage.ts';

/**
 * Cost: what is billed, what a price list says, and how both are laid on services. Shapes of the API, all under /console:
 *
 * GET    /console/cost?start&end&step?&idle=apart|shared -> costAnswer
 * GET    /console/cost/incident/:id                      -> incidentCost
 * GET    /console/cost/bills                             -> billList;  DELETE /console/cost/bills/:id -> billList
 * GET    /console/cost/prices                            -> priceList; POST /console/cost/prices {name,text}, DELETE -> priceList
 * POST   /console/import?name=FILE                       -> importResult with `bill` (console-api.ts) when the file is a FOCUS bill
 *
 * Law: allocated + idle + unallocated = total, exactly, per currency and per cell. Currencies are never added up.
 */

/** An exact amount as decimal text, at most 18 decimals ("0.012645"); one unit of its currency is 1. */
export const amountSchema = z.string().regex(/^-?\d+(\.\d+)?$/);

/** A number the screen shows, and how to get it again. */
export const figureSchema = z.object({
  amount: amountSchema,
  /** SQL over the documented views (docs/data-dictionary.md); first row, column "value": the amount, as a DOUBLE. */
  query: z.string(),
  /** The calculation with its numbers filled in, plain text, one step a line. */
  formula: z.string(),
});
export type Figure = z.infer<typeof figureSchema>;

/** Where a node's price comes from, best first. */
export const priceSourceSchema = z.enum(['bill', 'own_list', 'scraped', 'shipped_list']);
export type PriceSource = z.infer<typeof priceSourceSchema>;

/** What the figures lack; the screen says why and what to do. `no_usage`: nothing says what services use. */
export const costGapSchema = z.object({
  code: z.enum(['no_usage', 'no_nodes', 'no_requests', 'no_bill', 'default_prices', 'period_not_billed']),
  /** English; the screen says it by code. */
  says: z.string(),
  todo: z.string(),
});
export type CostGap = z.infer<typeof costGapSchema>;

export const costLedgerSchema = z.object({
  currency: z.string(),
  total: figureSchema,
  allocated: figureSchema,
  idle: figureSchema,
  unallocated: figureSchema,
  /** Most expensive first. `cells`: one amount per entry of costAnswer.times. */
  services: z.array(
    z.object({
      service: z.string(),
      cost: figureSchema,
      /** Part of `cost` that bill rows name the service for (tags). */
      billed: amountSchema,
      /** max(request, usage) in the window. */
      cpuCoreHours: z.number(),
      memoryGiBHours: z.number(),
      cells: z.array(amountSchema),
    }),
  ),
  idleCells: z.array(amountSchema),
  unallocatedCells: z.array(amountSchema),
  totalCells: z.array(amountSchema),
  /** What the unallocated part is, largest first: bill rows without node or service, node hours nobody measured. At most 50, then 'other'. */
  unallocatedLines: z.array(
    z.object({ what: z.string(), reason: z.enum(['no_node', 'not_measured', 'overhead', 'other']), amount: amountSchema }),
  ),
});
export type CostLedger = z.infer<typeof costLedgerSchema>;

export const nodePriceSchema = z.object({
  node: z.string(),
  instanceType: z.string(),
  region: z.string(),
  vcpus: z.number(),
  memoryGiB: z.number(),
  currency: z.string(),
  /** Per vCPU and hour, per GiB and hour, in `currency`. */
  cpuCoreHour: amountSchema,
  memoryGiBHour: amountSchema,
  source: priceSourceSchema,
  /** Which bill, file or metric, and its date. */
  says: z.string(),
});
export type NodePrice = z.infer<typeof nodePriceSchema>;

export const costAnswerSchema = z.object({
  start: z.number(),
  end: z.number(),
  stepMs: z.number(),
  /** Start of each cell, Unix milliseconds. */
  times: z.array(z.number()),
  idle: z.enum(['apart', 'shared']),
  /** One per currency, largest total first; empty when there is nothing to price. */
  ledgers: z.array(costLedgerSchema),
  nodes: z.array(nodePriceSchema),
  missing: z.array(costGapSchema),
});
export type CostAnswer = z.infer<typeof costAnswerSchema>;

const side = z.object({ start: z.number(), end: z.number() });
export const incidentCostSchema = z.object({
  incident: z.string(),
  /** Onset to end (or now); and the same length right before it. */
  window: side,
  before: side,
  ledgers: z.array(
    z.object({
      currency: z.string(),
      /** Of the affected services together. */
      cost: figureSchema,
      costBefore: figureSchema,
      services: z.array(z.object({ service: z.string(), cost: figureSchema, costBefore: figureSchema })),
    }),
  ),
  missing: z.array(costGapSchema),
});
export type IncidentCost = z.infer<typeof incidentCostSchema>;

/** Something the reader of a bill must know. `refused`: the row (or file) was not taken; else it was taken as it stands. */
export const billProblemSchema = z.object({
  /** 1-based line of the file; null: the file as a whole. */
  line: z.number().nullable(),
  column: z.string().nullable(),
  /** A code of contracts/reasons.ts BILL_PROBLEMS. */
  code: z.string(),
  says: z.string(),
  todo: z.string(),
  refused: z.boolean(),
  /** How many rows have it; the first few are listed by line. */
  count: z.number(),
});
export type BillProblem = z.infer<typeof billProblemSchema>;

export const billSchema = z.object({
  /** SHA-256 of the file's bytes, hex. */
  id: z.string(),
  name: z.string(),
  importedMs: z.number(),
  /** As the columns tell: "1.0", "1.2", "1.3"; '' unknown. */
  focusVersion: z.string(),
  provider: z.string(),
  /** Of the charge periods. */
  startMs: z.number().nullable(),
  endMs: z.number().nullable(),
  rows: z.number(),
  /** Rows not taken, and rows that another file had already brought. */
  refusedRows: z.number(),
  repeatedRows: z.number(),
  totals: z.array(z.object({ currency: z.string(), rows: z.number(), billed: z.string(), effective: z.string() })),
  /** At most 200 entries; problemCount counts every row with a problem. */
  problems: z.array(billProblemSchema),
  problemCount: z.number(),
  /** true: this very file had been imported before; nothing was added. */
  alreadyThere: z.boolean().default(false),
});
export type Bill = z.infer<typeof billSchema>;
export const billListSchema = z.object({ bills: z.array(billSchema), query: z.string() });
export type BillList = z.infer<typeof billListSchema>;

/** One line of a price list: the rate of a vCPU and a GiB of memory, for an hour. Empty text matches everything. */
export const priceEntrySchema = z.strictObject({
  provider: z.string().default(''),
  region: z.string().default(''),
  instanceType: z.string().default(''),
  node: z.string().default(''),
  currency: z.string().regex(/^[A-Z]{3}$/),
  cpuCoreHour: amountSchema,
  memoryGiBHour: amountSchema,
  /** First day it holds, YYYY-MM-DD. */
  from: z.iso.date(),
});
export type PriceEntry = z.infer<typeof priceEntrySchema>;
export const priceListSchema = z.object({
  lists: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['own_list', 'shipped_list']),
      /** Who says so, when, under which licence. */
      source: z.string(),
      entries: z.array(priceEntrySchema),
    }),
  ),
});
export type PriceList = z.infer<typeof priceListSchema>;

/** What store/read/read-usage.ts gives for a window: one row per cell, node and service. Shared by cost and carbon. */
export interface Usage {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly nodes: readonly NodeUsage[];
  readonly services: readonly ServiceUsage[];
  /** SQL that gives the rows again. */
  readonly nodeQuery: string;
  readonly serviceQuery: string;
}

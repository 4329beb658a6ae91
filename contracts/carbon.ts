import { z } from 'zod';

/**
 * Emissions: location-based, no offsets, by the Cloud Carbon Footprint model and the SCI (ISO/IEC 21031). Under /console:
 *
 * GET  /console/carbon?start&end&step?       -> carbonAnswer
 * GET  /console/carbon/incident/:id          -> incidentCarbon
 * GET  /console/carbon/settings              -> carbonSettings;  POST /console/carbon/settings carbonSettings -> carbonSettings
 *
 * Law: services + unattributed + idle = total, at every end of the range.
 */

/** low <= mid <= high; all equal where nothing had to be assumed. */
export const spreadSchema = z.object({ low: z.number(), mid: z.number(), high: z.number() });

/** Grams CO2e, and how to get them again. */
export const carbonFigureSchema = spreadSchema.extend({
  /** SQL over the documented views that gives what went into the formula (vCPU-hours, GiB-hours, requests). */
  query: z.string(),
  /** The calculation with its numbers filled in, plain text, one step a line. */
  formula: z.string(),
});
export type CarbonFigure = z.infer<typeof carbonFigureSchema>;

export const factorSchema = spreadSchema.extend({
  /** Who says so and when. */
  source: z.string(),
});
/** Why a figure is a range, or what the range does not hold. */
export const carbonAssumptionSchema = z.object({
  code: z.enum([
    'region_unknown',
    'region_not_listed',
    'grid_varies',
    'pue_average',
    'pue_unknown',
    'instance_unknown',
    'processor_varies',
    'embodied_unknown',
    'utilization_unknown',
    'services_without_node',
    'yearly_average',
    'not_measured',
  ]),
  /** English; the screen translates by code. */
  says: z.string(),
  /** What narrows it. '': nothing a person can do here. */
  todo: z.string(),
  /** Nodes (or services) it concerns, at most 20; empty: all. */
  about: z.array(z.string()),
  /** How many it concerns. */
  count: z.number(),
});
export type CarbonAssumption = z.infer<typeof carbonAssumptionSchema>;
export const carbonGapSchema = z.object({ code: z.enum(['no_usage', 'no_nodes']), says: z.string(), todo: z.string() });

export const serviceCarbonSchema = z.object({
  service: z.string(),
  emissions: carbonFigureSchema,
  /** PUE included. */
  kwh: spreadSchema,
  /** Grams CO2e of `emissions` that come from making the hardware. */
  embodied: spreadSchema,
  /** Share of what the service reserves that it does not use, 0-1. */
  idleShare: z.number(),
  /** From its entry spans in the window. */
  requests: z.number(),
  /** null: no request was counted. */
  perThousandRequests: carbonFigureSchema.nullable(),
  /** Grams CO2e (mid), one per entry of `times`. */
  cells: z.array(z.number()),
});
export type ServiceCarbon = z.infer<typeof serviceCarbonSchema>;

export const nodeCarbonSchema = z.object({
  node: z.string(),
  provider: z.string(),
  region: z.string(),
  instanceType: z.string(),
  /** gCO2e/kWh. */
  intensity: factorSchema,
  pue: factorSchema,
  /** Watts per vCPU. */
  minWatts: factorSchema,
  maxWatts: factorSchema,
  /** Grams CO2e of making the host, per vCPU. */
  embodied: factorSchema,
});

export const carbonAnswerSchema = z.object({
  start: z.number(),
  end: z.number(),
  stepMs: z.number(),
  /** Start of each cell, Unix milliseconds. */
  times: z.array(z.number()),
  total: carbonFigureSchema,
  /** Of all services together. */
  allocated: carbonFigureSchema,
  /** Capacity nobody reserved. */
  idle: carbonFigureSchema,
  /** Used on the nodes, claimed by no service. */
  unattributed: carbonFigureSchema,
  /** Most emissions first. */
  services: z.array(serviceCarbonSchema),
  idleCells: z.array(z.number()),
  unattributedCells: z.array(z.number()),
  totalCells: z.array(spreadSchema),
  nodes: z.array(nodeCarbonSchema),
  assumptions: z.array(carbonAssumptionSchema),
  missing: z.array(carbonGapSchema),
});
export type CarbonAnswer = z.infer<typeof carbonAnswerSchema>;

const side = z.object({ start: z.number(), end: z.number() });
export const incidentCarbonSchema = z.object({
  incident: z.string(),
  /** Onset to end (or now); and the same length right before it. */
  window: side,
  before: side,
  /** Of the affected services together. */
  emissions: carbonFigureSchema,
  emissionsBefore: carbonFigureSchema,
  services: z.array(z.object({ service: z.string(), emissions: carbonFigureSchema, emissionsBefore: carbonFigureSchema })),
  assumptions: z.array(carbonAssumptionSchema),
  missing: z.array(carbonGapSchema),
});
export type IncidentCarbon = z.infer<typeof incidentCarbonSchema>;

/** What a person knows better than the tables. Empty text, null: nothing said. */
export const carbonSettingsSchema = z.strictObject({
  /** Of nodes that do not name theirs. */
  provider: z.enum(['', 'aws', 'gcp', 'azure', 'own']).default(''),
  region: z.string().trim().max(100).default(''),
  /** Own grid factor, gCO2e/kWh, location-based, and own PUE: for nodes in `region`; without `region` for nodes that name none. */
  gramsPerKwh: z.number().min(0).max(5_000).nullable().default(null),
  pue: z.number().min(1).max(10).nullable().default(null),
});
export type CarbonSettingsBody = z.infer<typeof carbonSettingsSchema>;
/** The settings, and the regions the tables know. */
export const carbonSettingsAnswerSchema = carbonSettingsSchema.extend({
  regions: z.array(z.object({ provider: z.string(), region: z.string(), place: z.string(), gramsPerKwh: z.number(), source: z.string() })),
});
export type CarbonSettingsAnswer = z.infer<typeof carbonSettingsAnswerSchema>;

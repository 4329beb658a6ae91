/**
 * Cloud Carbon Footprint's model (cloud-carbon-footprint@b7a049c, Apache-2.0) and the Software Carbon Intensity
 * (SCI 1.1, ISO/IEC 21031:2024). Energy in kWh, emissions in grams CO2e, grid intensity in gCO2e/kWh. Location-based.
 */
export const MEMORY_KWH_PER_GB_HOUR = 0.000392;
export const SSD_WH_PER_TB_HOUR = 1.2;
export const HDD_WH_PER_TB_HOUR = 0.65;
export const NETWORK_KWH_PER_GB = 0.001;
/** Expected life of a server, hours (4 years). */
export const LIFESPAN_HOURS = 35_040;
/** Where nobody measured the utilisation. */
export const ASSUMED_UTILIZATION = 0.5;
/** vCPUs that one chip carries: the share of its memory that is already in the processor's watts. */
export const VCPUS_PER_CHIP = 96;

export interface ComputeEnergy {
  readonly vcpuHours: number;
  /** 0-1. CCF's own field is a percentage. */
  readonly utilization: number;
  /** Watts per vCPU. */
  readonly minWatts: number;
  readonly maxWatts: number;
  readonly pue: number;
  readonly replication?: number;
}
/** Average watts between idle and full load. */
export const averageWatts = (minWatts: number, maxWatts: number, utilization: number): number =>
  minWatts + utilization * (maxWatts - minWatts);
export const computeKwh = (use: ComputeEnergy): number =>
  ((averageWatts(use.minWatts, use.maxWatts, use.utilization) * use.vcpuHours) / 1000) * use.pue * (use.replication ?? 1);
export const memoryKwh = (gbHours: number, pue: number, replication = 1): number => gbHours * MEMORY_KWH_PER_GB_HOUR * pue * replication;
/** `wattHoursPerTb`: SSD_WH_PER_TB_HOUR or HDD_WH_PER_TB_HOUR. */
export const storageKwh = (tbHours: number, wattHoursPerTb: number, pue: number, replication = 1): number =>
  ((tbHours * wattHoursPerTb) / 1000) * pue * replication;
export const networkKwh = (gb: number, pue: number): number => gb * NETWORK_KWH_PER_GB * pue;
export const operationalGrams = (kwh: number, gramsPerKwh: number): number => kwh * gramsPerKwh;
/** M = TE x TiR/EL x RR/ToR: `totalGrams` for making the host, `hours` reserved of its life, `reserved` of `whole` vCPUs. */
export const embodiedGrams = (
  totalGrams: number,
  hours: number,
  reserved: number,
  whole: number,
  lifespanHours: number = LIFESPAN_HOURS,
): number => totalGrams * (hours / lifespanHours) * (reserved / whole);
/** SCI = (E x I + M) per R. `kwh` includes PUE. null: no functional unit was counted. */
export const sci = (kwh: number, gramsPerKwh: number, embodied: number, units: number): number | null =>
  units > 0 ? (operationalGrams(kwh, gramsPerKwh) + embodied) / units : null;
/**
 * Memory that is not in the processor's watts yet, GB. CCF subtracts the chip's memory from that of the family's largest
 * size; of a smaller size it counts the same share. A GiB counts as a GB, as in CCF (memory modules are sold in GiB).
 */
export const memoryAboveChipGb = (memoryGb: number, vcpus: number, chipGb: number): number =>
  Math.max(0, memoryGb - (chipGb * vcpus) / VCPUS_PER_CHIP);

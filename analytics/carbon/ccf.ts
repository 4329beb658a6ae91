/** Constants of Cloud Carbon Footprint's model (cloud-carbon-footprint@b7a049c, Apache-2.0); emissions.ts computes with them. */
export const MEMORY_KWH_PER_GB_HOUR = 0.000392;
/** Expected life of a server, hours (4 years). */
export const LIFESPAN_HOURS = 35_040;
/** Where nobody measured the utilisation. */
export const ASSUMED_UTILIZATION = 0.5;
/** vCPUs that one chip carries: the share of its memory that is already in the processor's watts. */
const VCPUS_PER_CHIP = 96;

/**
 * Memory that is not in the processor's watts yet, GB. CCF subtracts the chip's memory from that of the family's largest
 * size; of a smaller size it counts the same share. A GiB counts as a GB, as in CCF (memory modules are sold in GiB).
 */
export const memoryAboveChipGb = (memoryGb: number, vcpus: number, chipGb: number): number =>
  Math.max(0, memoryGb - (chipGb * vcpus) / VCPUS_PER_CHIP);

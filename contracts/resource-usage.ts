/**
 * What nodes offer and services use, one row per hour (or part of an hour): the common ground of cost and carbon.
 * Read from scraped or OTLP resource metrics by `store/read`; priced by `analytics/cost`, converted by `analytics/carbon`.
 */
export interface NodeUsage {
  readonly node: string;
  /** Half-open [startMs, endMs), Unix milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly vcpus: number;
  readonly memoryGiB: number;
  /** Mean share of the vCPUs in use, 0-1; null when nobody measured it. */
  readonly cpuUtilization: number | null;
  /** cloud.provider, cloud.region, host.type where known, else ''. */
  readonly provider: string;
  readonly region: string;
  readonly instanceType: string;
}
export interface ServiceUsage {
  readonly service: string;
  readonly node: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Core-hours in the row's time. Requested is null when no request is known. */
  readonly cpuCoreHours: number;
  readonly cpuRequestedCoreHours: number | null;
  readonly memoryGiBHours: number;
  readonly memoryRequestedGiBHours: number | null;
}
/** max(request, usage): what a workload holds, whether it uses it or not (OpenCost specification). */
export const heldCoreHours = (row: ServiceUsage): number => Math.max(row.cpuCoreHours, row.cpuRequestedCoreHours ?? 0);
export const heldGiBHours = (row: ServiceUsage): number => Math.max(row.memoryGiBHours, row.memoryRequestedGiBHours ?? 0);

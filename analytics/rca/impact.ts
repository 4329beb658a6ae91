import { excessErrors } from './births.ts';
import type { CaseFile } from './case-file.ts';
import { shiftBetween } from './shift.ts';

/** Services that suffer and are not the cause, worst first: more errors or a slower p95 than before. */
export function impactedServices(file: CaseFile, causes: ReadonlySet<string>): string[] {
  const hurt: { service: string; by: number }[] = [];
  for (const service of file.services.values()) {
    if (causes.has(service.service)) continue;
    const errors = excessErrors(service.errors, service.requests, file.range);
    const requests = service.requests.slice(file.range.from, file.range.to).reduce((sum, value) => sum + (value > 0 ? value : 0), 0);
    const slower = shiftBetween(service.p95Ms, service.requests, file.range);
    const slowness = slower.certainty > 0.5 && slower.value > 1.2 * slower.baseline ? Math.log2(slower.value / slower.baseline) : 0;
    const by = 5 * (errors / Math.max(1, requests)) + slowness;
    if (by > 0.05) hurt.push({ service: service.service, by });
  }
  return hurt.sort((a, b) => b.by - a.by || (a.service < b.service ? -1 : 1)).map(({ service }) => service);
}

import { LIFESPAN_HOURS, MEMORY_KWH_PER_GB_HOUR } from './ccf.ts';
import { type Emissions, emissionsOf, type Holding, type Share } from './emissions.ts';
import type { NodeFactors } from './node-factors.ts';
import { add, isExact, NONE, type Spread, scale } from './spread.ts';

/** Nodes with lines of their own; what the others add is one line. */
const MAX_NODES = 12;
/** Four digits: enough to do the sum again. */
export const digits = (value: number): string => String(Number(value.toPrecision(4)));
export const spreadText = (spread: Spread, unit: string): string =>
  isExact(spread) ? `${digits(spread.mid)} ${unit}` : `${digits(spread.mid)} ${unit} (${digits(spread.low)} to ${digits(spread.high)})`;

/** SCI's (E x I + M) with the numbers filled in, plain text, a few lines a node; ranges in brackets. */
export function fillFormula(share: Share, factorsOf: ReadonlyMap<string, NodeFactors>): string {
  const rows = [...share.byNode].flatMap(([node, holding]) => {
    const factors = factorsOf.get(node);
    return factors ? [{ factors, holding, emissions: emissionsOf(holding, factors) }] : [];
  });
  rows.sort((a, b) => b.emissions.total.mid - a.emissions.total.mid);
  const lines = rows.slice(0, MAX_NODES).flatMap((row) => nodeLines(row.factors, row.holding, row.emissions));
  const rest = rows.slice(MAX_NODES);
  if (rest.length > 0) {
    const sum = rest.reduce((total, row) => add(total, row.emissions.total), NONE);
    lines.push(`+ ${rest.length} nodes = ${spreadText(sum, 'gCO2e')}`);
  }
  lines.push(`= ${spreadText(share.sum.total, 'gCO2e')}`);
  return lines.join('\n');
}
function nodeLines(factors: NodeFactors, holding: Holding, emissions: Emissions): string[] {
  const above: Spread = {
    low: factors.maxWatts.low - factors.minWatts.low,
    mid: factors.maxWatts.mid - factors.minWatts.mid,
    high: factors.maxWatts.high - factors.minWatts.high,
  };
  const cpu = `${spreadText(factors.minWatts, 'W')} × ${digits(holding.reservedVcpuHours)} vCPU·h + ${spreadText(above, 'W')} × ${spreadText(holding.busyVcpuHours, 'vCPU·h')}`;
  const memory = `${digits(MEMORY_KWH_PER_GB_HOUR * 1000)} W/GB × ${spreadText(holding.memoryGbHours, 'GB·h')}`;
  return [
    `${factors.node}${factors.instanceType ? ` (${factors.instanceType})` : ''}`,
    `  E = (${cpu} + ${memory}) / 1000 × PUE ${spreadText(factors.pue, '').replace('  ', ' ').trim()} = ${spreadText(emissions.kwh, 'kWh')}`,
    `  I = ${spreadText(factors.intensity, 'gCO2e/kWh')} · ${factors.intensity.source}`,
    `  M = ${spreadText(factors.embodiedGramsPerVcpu, 'g/vCPU')} × ${digits(holding.reservedVcpuHours)} vCPU·h / ${LIFESPAN_HOURS} h = ${spreadText(emissions.embodied, 'gCO2e')}`,
    `  E × I + M = ${spreadText(emissions.total, 'gCO2e')}`,
  ];
}
/** Emissions of a thousand requests, and how. */
export function perThousand(total: Spread, requests: number): { spread: Spread; formula: string } {
  const spread = scale(total, 1000 / requests);
  return {
    spread,
    formula: `SCI = ${spreadText(total, 'gCO2e')} / ${digits(requests)} requests × 1000 = ${spreadText(spread, 'gCO2e per 1000 requests')}`,
  };
}

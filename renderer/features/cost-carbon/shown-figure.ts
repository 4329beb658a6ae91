import type { CarbonAnswer, CarbonFigure } from '#contracts/carbon.ts';
import type { CostAnswer, Figure } from '#contracts/cost.ts';
import { gramsText, moneyText } from '../../lib/amount-text.ts';

/** A figure as the drawer shows it: what, how much, how wide, how it came to be. */
export interface Shown {
  readonly title: string;
  readonly value: string;
  /** null: nothing was assumed. */
  readonly range: { readonly low: string; readonly high: string } | null;
  readonly formula: string;
  readonly query: string;
  readonly side: 'cost' | 'carbon';
}
export const shownCost = (title: string, figure: Figure, currency: string, locale: string): Shown => ({
  title,
  value: moneyText(figure.amount, currency, locale),
  range: null,
  formula: figure.formula,
  query: figure.query,
  side: 'cost',
});
export const shownCarbon = (title: string, figure: CarbonFigure): Shown => ({
  title,
  value: `${gramsText(figure.mid)} CO₂e`,
  range: figure.low === figure.high ? null : { low: gramsText(figure.low), high: gramsText(figure.high) },
  formula: figure.formula,
  query: figure.query,
  side: 'carbon',
});

export interface Source {
  readonly source: string;
  readonly nodes: readonly string[];
}
/** Whose factors or prices the figures of a side stand on: each once, with the nodes it is taken for. */
export function sourcesOf(side: Shown['side'], cost: CostAnswer | null, carbon: CarbonAnswer | null): Source[] {
  const found = new Map<string, string[]>();
  const add = (source: string, node: string): void => {
    const nodes = found.get(source) ?? [];
    found.set(source, nodes);
    if (!nodes.includes(node)) nodes.push(node);
  };
  if (side === 'cost') for (const node of cost?.nodes ?? []) add(node.says, node.node);
  else
    for (const { node, intensity, pue, minWatts, embodied } of carbon?.nodes ?? [])
      for (const { source } of [intensity, pue, minWatts, embodied]) add(source, node);
  return [...found].map(([source, nodes]) => ({ source, nodes }));
}

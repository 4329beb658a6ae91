import { childrenOf, type Expr, type SelectorExpr, type SubqueryExpr } from './ast.ts';
import { durationSeconds } from './duration.ts';
import { infoSelector } from './info.ts';
import { endOf, type Grid, type Selection } from './value.ts';

/** What of the store each selector of a query may look at. */
export interface SelectionOptions {
  readonly grid: Grid;
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
}
export function selectionsOf(expr: Expr, options: SelectionOptions): Selection[] {
  const found: Selection[] = [];
  const { grid, lookbackMs } = options;
  const ms = (duration: Parameters<typeof durationSeconds>[0]): number => Math.round(durationSeconds(duration, grid) * 1000);
  /** Where evaluation times between `from` and `to` look. */
  const moved = ({ at, offset }: Pick<SelectorExpr | SubqueryExpr, 'at' | 'offset'>, from: number, to: number): [number, number] => {
    const back = offset ? ms(offset) : 0;
    if (at === null) return [from - back, to - back];
    const fixed = at.kind === 'time' ? at.ms : at.kind === 'start' ? grid.startMs : endOf(grid);
    return [fixed - back, fixed - back];
  };
  const add = (selector: SelectorExpr, rangeMs: number, from: number, to: number): void => {
    const [first, last] = moved(selector, from, to);
    const isExtended = selector.modifier !== null;
    found.push({
      selector,
      matchers: selector.matchers,
      startMs: first - rangeMs - (rangeMs === 0 || isExtended ? lookbackMs : 0),
      endMs: last + (selector.modifier === 'smoothed' ? lookbackMs : 0),
    });
  };
  const walk = (each: Expr, from: number, to: number): void => {
    if (each.kind === 'selector') add(each, 0, from, to);
    else if (each.kind === 'matrix') add(each.selector, ms(each.range), from, to);
    else if (each.kind === 'subquery') {
      const [first, last] = moved(each, from, to);
      walk(each.expr, first - ms(each.range), last);
    } else if (each.kind === 'call' && each.function === 'info') {
      walk(each.args[0] as Expr, from, to);
      add(infoSelector(each), 0, from, to);
    } else for (const child of childrenOf(each)) walk(child, from, to);
  };
  walk(expr, grid.startMs, endOf(grid));
  return found;
}

import type { DurationExpr } from './ast.ts';
import { EvaluationError, type Grid } from './value.ts';

/** Seconds of a duration, given the query's step and range. An instant query has neither: both are 0. */
export function durationSeconds(duration: DurationExpr, grid: Grid): number {
  const of = (each: DurationExpr): number => durationSeconds(each, grid);
  switch (duration.kind) {
    case 'seconds':
      return duration.value;
    case 'step':
      return grid.stepMs / 1000;
    case 'range':
      return ((grid.count - 1) * grid.stepMs) / 1000;
    case 'negative':
      return -of(duration.of);
    case 'group':
      return of(duration.of);
    case 'min_of':
      return Math.min(of(duration.left), of(duration.right));
    case 'max_of':
      return Math.max(of(duration.left), of(duration.right));
    case 'binary': {
      const [left, right] = [of(duration.left), of(duration.right)];
      if (right === 0 && duration.operator === '/') throw new EvaluationError('division by zero');
      if (right === 0 && duration.operator === '%') throw new EvaluationError('modulo by zero');
      const results = { '+': left + right, '-': left - right, '*': left * right, '/': left / right, '%': left % right, '^': left ** right };
      return results[duration.operator];
    }
  }
}

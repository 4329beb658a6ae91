import type { ValueType } from './ast.ts';

/** What the functions of PromQL take and give (Prometheus 3: promql/parser/functions.go). */
export interface FunctionSignature {
  readonly takes: readonly ValueType[];
  /** Arguments beyond those without which it does not work: so many of `takes` may be left out or, -1, the last repeated. */
  readonly variadic: number;
  readonly gives: ValueType;
  readonly isExperimental: boolean;
}
const table: Record<string, FunctionSignature> = {};
function define(
  names: string,
  takes: readonly ValueType[],
  { variadic = 0, gives = 'vector' as ValueType, isExperimental = false } = {},
): void {
  for (const name of names.split(' ')) table[name] = { takes, variadic, gives, isExperimental };
}
define(
  'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp',
  ['vector'],
);
define('histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum', ['vector']);
define(
  'absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time',
  ['matrix'],
);
define('first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', ['matrix'], {
  isExperimental: true,
});
define('clamp', ['vector', 'scalar', 'scalar']);
define('clamp_max clamp_min', ['vector', 'scalar']);
define('day_of_month day_of_week day_of_year days_in_month hour minute month year', ['vector'], { variadic: 1 });
define('double_exponential_smoothing', ['matrix', 'scalar', 'scalar'], { isExperimental: true });
define('histogram_fraction', ['scalar', 'scalar', 'vector']);
define('histogram_quantile', ['scalar', 'vector']);
define('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], { variadic: 9, isExperimental: true });
define('info', ['vector', 'vector'], { variadic: 1, isExperimental: true });
define('label_join', ['vector', 'string', 'string', 'string'], { variadic: -1 });
define('label_replace', ['vector', 'string', 'string', 'string', 'string']);
define('pi time', [], { gives: 'scalar' });
define('start end step range', [], { gives: 'scalar', isExperimental: true });
define('min_of max_of', ['scalar', 'scalar'], { gives: 'scalar', isExperimental: true });
define('start_timestamp', ['vector'], { isExperimental: true });
define('predict_linear', ['matrix', 'scalar']);
define('quantile_over_time', ['scalar', 'matrix']);
define('round', ['vector', 'scalar'], { variadic: 1 });
define('scalar', ['vector'], { gives: 'scalar' });
define('sort_by_label sort_by_label_desc', ['vector', 'string'], { variadic: -1, isExperimental: true });
define('vector', ['scalar']);

export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map(Object.entries(table));

/**
 * Values of Go's templates by JavaScript's: an int is a bigint, a float64 a number; labels a Map (missing keys are ''), what `args` makes a
 * Map of its own (missing keys are nothing). Only what Prometheus' templates can meet.
 */
export interface TemplateSample {
  readonly kind: 'sample';
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}
/** What a template is given: `.Labels`, `.Value` and so on. */
export interface TemplateData {
  readonly kind: 'struct';
  readonly fields: ReadonlyMap<string, TemplateValue>;
}
export interface TemplateArgs {
  readonly kind: 'args';
  readonly values: ReadonlyMap<string, TemplateValue>;
}
export interface TemplateTime {
  readonly kind: 'time';
  readonly nanos: bigint;
}
export interface TemplateDuration {
  readonly kind: 'duration';
  readonly nanos: bigint;
}
export type TemplateValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | ReadonlyMap<string, string>
  | readonly TemplateValue[]
  | TemplateSample
  | TemplateData
  | TemplateArgs
  | TemplateTime
  | TemplateDuration;

export const isList = (value: TemplateValue): value is readonly TemplateValue[] => Array.isArray(value);
export const isMap = (value: TemplateValue): value is ReadonlyMap<string, string> => value instanceof Map;

/** How Go names the type. */
export function typeName(value: TemplateValue): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return 'float64';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
  }
  if (value === null || value === undefined) return 'nil';
  if (isMap(value)) return 'map[string]string';
  if (isList(value)) return 'template.queryResult';
  const names = { sample: '*template.sample', args: 'map[string]interface {}', time: '*time.Time', duration: '*time.Duration' } as const;
  return value.kind === 'struct'
    ? 'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }'
    : names[value.kind];
}
/** text/template: the "truth" of a value: not zero, not empty. */
export function isTrue(value: TemplateValue): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'object') {
    if (isMap(value)) return value.size > 0;
    if (isList(value)) return value.length > 0;
    if (value.kind === 'args') return value.values.size > 0;
    return true;
  }
  return Boolean(value);
}

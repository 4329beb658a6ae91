/**
 * Values of Go's templates by JavaScript's: an int is a bigint, a float64 a number; labels a Map (missing keys are ''), what `args` makes a
 * Map of its own (missing keys are nothing). Only what templates of Prometheus and Alertmanager can meet.
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
  /** IANA; absent: UTC. */
  readonly zone?: string;
}
export interface TemplateDuration {
  readonly kind: 'duration';
  readonly nanos: bigint;
}
/** A function or method of a template. */
export interface TemplateFunction {
  /** Types of its arguments in Go's words; 'any' for all. */
  readonly takes: readonly string[];
  /** Of those after them, any number. */
  readonly rest?: string;
  call(args: readonly TemplateValue[]): TemplateValue;
}
/** A value of a type with a name, and with methods: labels of a notification, its alerts, a time. */
export interface TemplateObject {
  readonly kind: 'object';
  /** In Go's words: template.KV. */
  readonly type: string;
  /** What it is beneath its type. */
  readonly is: Exclude<TemplateValue, TemplateObject>;
  readonly methods: ReadonlyMap<string, TemplateFunction>;
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
  | TemplateDuration
  | TemplateObject;

export const isObject = (value: TemplateValue): value is TemplateObject =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'object';
/** Without its type's name and methods. */
export const beneath = (value: TemplateValue): Exclude<TemplateValue, TemplateObject> => (isObject(value) ? value.is : value);
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
  if (value.kind === 'object') return value.type;
  const names = { sample: '*template.sample', args: 'map[string]interface {}', time: '*time.Time', duration: '*time.Duration' } as const;
  return value.kind === 'struct'
    ? 'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }'
    : names[value.kind];
}
/** text/template: the "truth" of a value: not zero, not empty. */
export function isTrue(of: TemplateValue): boolean {
  const value = beneath(of);
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

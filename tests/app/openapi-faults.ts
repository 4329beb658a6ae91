/** The part of Swagger 2.0 that the document of API v2 uses. */
export interface Schema {
  readonly type?: string;
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
}
const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);
const FORMATS: Readonly<Record<string, RegExp>> = { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ };

/** What of a value is not as its schema says; a property no schema names is one. @param document where $ref leads */
export function faultsOf(value: unknown, schema: Schema, document: unknown): string[] {
  return check(value, schema, document, '$').concat(unknown(value, schema, document, '$'));
}
function resolved(schema: Schema, document: unknown): Schema {
  if (!schema.$ref) return schema;
  const found = schema.$ref
    .replace(/^#\//, '')
    .split('/')
    .reduce((at, part) => (at as Record<string, unknown>)[part], document);
  return resolved(found as Schema, document);
}
function check(value: unknown, written: Schema, document: unknown, at: string): string[] {
  const schema = resolved(written, document);
  const faults = (schema.allOf ?? []).flatMap((each) => check(value, each, document, at));
  if (schema.type && kindOf(value) !== schema.type) return [...faults, `${at} is ${kindOf(value)}, not ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value)) faults.push(`${at} is none of ${schema.enum.join(', ')}`);
  if (schema.format && FORMATS[schema.format]?.test(String(value)) === false) faults.push(`${at} is no ${schema.format}`);
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) faults.push(`${at} has too few items`);
    return [...faults, ...value.flatMap((each, i) => (schema.items ? check(each, schema.items, document, `${at}[${i}]`) : []))];
  }
  if (kindOf(value) !== 'object') return faults;
  const fields = value as Record<string, unknown>;
  for (const name of schema.required ?? []) if (!(name in fields)) faults.push(`${at}.${name} is missing`);
  for (const [name, each] of Object.entries(fields)) {
    const own = schema.properties?.[name] ?? schema.additionalProperties;
    if (own) faults.push(...check(each, own, document, `${at}.${name}`));
  }
  return faults;
}
/** All properties a schema and those it is made of know; null: any. */
function propertiesOf(written: Schema, document: unknown): Map<string, Schema> | null {
  const schema = resolved(written, document);
  if (schema.additionalProperties || schema.type === 'string') return null;
  const all = new Map(Object.entries(schema.properties ?? {}));
  for (const part of schema.allOf ?? []) for (const [name, each] of propertiesOf(part, document) ?? []) all.set(name, each);
  return all;
}
function unknown(value: unknown, written: Schema, document: unknown, at: string): string[] {
  const schema = resolved(written, document);
  if (Array.isArray(value)) return value.flatMap((each, i) => (schema.items ? unknown(each, schema.items, document, `${at}[${i}]`) : []));
  if (kindOf(value) !== 'object') return [];
  const known = propertiesOf(schema, document);
  if (!known) return [];
  return Object.entries(value as object).flatMap(([name, each]) => {
    const own = known.get(name);
    return own ? unknown(each, own, document, `${at}.${name}`) : [`${at}.${name} is not in the document`];
  });
}

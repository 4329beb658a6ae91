import { goPrint, goPrintf, goPrintln, goText } from './go-format.ts';
import { beneath, isList, isMap, isTrue, type TemplateFunction, type TemplateValue, typeName } from './go-value.ts';

/** What a function says is wrong; the template tells where. */
export class CallError extends Error {}

/** null: of a kind that is not compared. */
const basicKind = (value: TemplateValue): string | null =>
  ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? typeof value : null;
function isEqual(left: TemplateValue, right: TemplateValue): boolean {
  const [a, b] = [beneath(left), beneath(right)];
  if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null);
  if (basicKind(a) !== basicKind(b)) throw new CallError('incompatible types for comparison');
  if (basicKind(a) === null) throw new CallError(`non-comparable type ${goText(a)}: ${typeName(a)}`);
  return a === b;
}
function isLess(a: TemplateValue, b: TemplateValue): boolean {
  const kind = basicKind(a);
  if (kind === null || kind === 'boolean') throw new CallError('invalid type for comparison');
  if (kind !== basicKind(b)) throw new CallError('incompatible types for comparison');
  return (a as number) < (b as number);
}
function lengthOf(of: TemplateValue): bigint {
  const value = beneath(of);
  if (typeof value === 'string') return BigInt(encodeURIComponent(value).replace(/%../g, 'x').length);
  if (isMap(value)) return BigInt(value.size);
  if (isList(value)) return BigInt(value.length);
  if (value && typeof value === 'object' && value.kind === 'args') return BigInt(value.values.size);
  throw new CallError(value === null || value === undefined ? 'len of nil pointer' : `len of type ${typeName(value)}`);
}
function indexOne(of: TemplateValue, key: TemplateValue): TemplateValue {
  const value = beneath(of);
  if (value === null || value === undefined) throw new CallError('index of untyped nil');
  const entries = isMap(value) ? value : typeof value === 'object' && !isList(value) && value.kind === 'args' ? value.values : null;
  if (entries) {
    if (typeof key !== 'string') throw new CallError(`value has type ${typeName(key)}; should be string`);
    return entries.get(key) ?? (isMap(value) ? '' : undefined);
  }
  if (!isList(value)) throw new CallError(`can't index item of type ${typeName(value)}`);
  if (typeof key !== 'bigint') throw new CallError(`cannot index slice/array with type ${typeName(key)}`);
  if (key < 0n || key >= BigInt(value.length)) throw new CallError(`index out of range: ${key}`);
  return value[Number(key)];
}
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\ufffd' };
/** url.QueryEscape. */
export const queryEscape = (text: string): string =>
  encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd'))
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
const JS: Readonly<Record<string, string>> = {
  ...{ '\\': '\\\\', "'": "\\'", '"': '\\"', '<': '\\u003C', '>': '\\u003E', '&': '\\u0026', '=': '\\u003D' },
};
const any = (call: TemplateFunction['call'], takes = 0): TemplateFunction => ({
  takes: Array.from({ length: takes }, () => 'any'),
  rest: 'any',
  call,
});

/** Functions every Go template has. */
export const BUILTINS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  // Evaluated by the template itself: what follows may not be looked at.
  ['and', any(() => undefined, 1)],
  ['or', any(() => undefined, 1)],
  ['not', { takes: ['any'], call: ([value]) => !isTrue(value) }],
  ['len', { takes: ['any'], call: ([value]) => lengthOf(value) }],
  ['index', any(([value, ...keys]) => keys.reduce(indexOne, value), 1)],
  [
    'slice',
    any(([of, from = 0n, to]) => {
      const value = beneath(of);
      if (typeof value !== 'string' && !isList(value)) throw new CallError(`can't slice item of type ${typeName(value)}`);
      const end = typeof to === 'bigint' ? Number(to) : value.length;
      if (typeof from !== 'bigint' || Number(from) < 0 || Number(from) > end || end > value.length)
        throw new CallError(`index out of range: ${goText(typeof to === 'bigint' && end > value.length ? to : from)}`);
      return value.slice(Number(from), end);
    }, 1),
  ],
  ['print', any(goPrint)],
  ['println', any(goPrintln)],
  ['printf', { takes: ['string'], rest: 'any', call: ([format, ...args]) => goPrintf(format as string, args) }],
  ['html', any((args) => goPrint(args).replace(/[&<>"'\0]/g, (c) => HTML[c] as string))],
  ['js', any((args) => goPrint(args).replace(/[\\'"<>&=]/g, (c) => JS[c] as string))],
  ['urlquery', any((args) => queryEscape(goPrint(args)))],
  [
    'eq',
    any(([first, ...others]) => {
      if (others.length === 0) throw new CallError('missing argument for comparison');
      return others.some((other) => isEqual(first, other));
    }, 1),
  ],
  ['ne', { takes: ['any', 'any'], call: ([a, b]) => !isEqual(a, b) }],
  ['lt', { takes: ['any', 'any'], call: ([a, b]) => isLess(a, b) }],
  ['le', { takes: ['any', 'any'], call: ([a, b]) => isLess(a, b) || isEqual(a, b) }],
  ['gt', { takes: ['any', 'any'], call: ([a, b]) => !(isLess(a, b) || isEqual(a, b)) }],
  ['ge', { takes: ['any', 'any'], call: ([a, b]) => !isLess(a, b) }],
]);

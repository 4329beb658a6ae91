import { goText } from '#query/rules/go-format.ts';
import { beneath, isList, type TemplateFunction, type TemplateValue } from '#query/rules/go-value.ts';
import { BUILTINS, CallError } from '#query/rules/template-builtins.ts';
import { templateFunctions } from '#query/rules/template-functions.ts';
import { STRINGS, strings, textsIn } from './template-data.ts';
import { format, inZone, since, TIME } from './template-time.ts';

/** Text that html/template writes as it is. */
export const SAFE_HTML = 'template.HTML';
/** An address html/template does not look at. */
export const SAFE_URL = 'template.URL';
/** What urlquery has escaped already. */
export const ESCAPED_URL = 'escaped URL';
const typed = (type: string, is: string): TemplateValue => ({ kind: 'object', type, is, methods: new Map() });
const anyList = (list: readonly TemplateValue[]): TemplateValue => ({
  kind: 'object',
  type: '[]interface {}',
  is: list,
  methods: new Map(),
});
const text = (call: (value: string) => TemplateValue): TemplateFunction => ({
  takes: ['string'],
  call: ([value]) => call(value as string),
});
const spaces = /^[\s\u0085]+|[\s\u0085]+$/gu;

function json(of: TemplateValue): unknown {
  const value = beneath(of);
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object') return value;
  if (value instanceof Map) return Object.fromEntries([...value].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (isList(value)) return value.map(json);
  const tagged = value as Exclude<typeof value, ReadonlyMap<string, string>>;
  if (tagged.kind === 'struct') return Object.fromEntries([...tagged.fields].map(([name, each]) => [lower(name), json(each)]));
  if (tagged.kind === 'args') return Object.fromEntries([...tagged.values].map(([name, each]) => [name, json(each)]));
  return tagged.kind === 'time' ? format(tagged, '2006-01-02T15:04:05.999999999Z07:00') : goText(tagged);
}
/** As the JSON names of a struct: externalURL, startsAt. */
const lower = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1);
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    throw new CallError(`invalid URL escape ${JSON.stringify(/%.{0,2}/.exec(value)?.[0] ?? '')}`);
  }
}
/** Functions of Alertmanager's templates (template.DefaultFuncs; those up to 0.31). */
export function notificationFunctions(nowMs: number): ReadonlyMap<string, TemplateFunction> {
  const shared = templateFunctions({ query: () => [], nowMs, externalUrl: '' });
  const take = (name: string): [string, TemplateFunction] => [name, shared.get(name) as TemplateFunction];
  return new Map<string, TemplateFunction>([
    ...['toUpper', 'toLower', 'title', 'match', 'reReplaceAll', 'humanizeDuration'].map(take),
    ['trimSpace', text((value) => value.replace(spaces, ''))],
    ['join', { takes: ['string', STRINGS], call: ([by, list]) => textsIn(list).join(by as string) }],
    ['safeHtml', text((value) => typed(SAFE_HTML, value))],
    ['safeUrl', text((value) => typed(SAFE_URL, value))],
    ['urlUnescape', text(unescaped)],
    ['stringSlice', { takes: [], rest: 'string', call: (list) => strings(list as readonly string[]) }],
    ['date', { takes: ['string', TIME], call: ([layout, time]) => format(time, layout as string) }],
    ['tz', { takes: ['string', TIME], call: ([zone, time]) => inZone(time, zone as string) }],
    ['since', { takes: [TIME], call: ([time]) => since(time, nowMs) }],
    ['toJson', { takes: ['any'], call: ([value]) => JSON.stringify(json(value)) }],
    ['list', { takes: [], rest: 'any', call: anyList }],
    [
      'append',
      {
        takes: ['[]interface {}'],
        rest: 'any',
        call: ([list, ...more]) => anyList([...(beneath(list) as readonly TemplateValue[]), ...more]),
      },
    ],
    ['dict', { takes: [], rest: 'any', call: dictionary }],
  ]);
}
function dictionary(args: readonly TemplateValue[]): TemplateValue {
  if (args.length % 2 !== 0) throw new CallError('dict expects even number of arguments');
  const values = new Map<string, TemplateValue>();
  for (let i = 0; i < args.length; i += 2) {
    if (typeof args[i] !== 'string') throw new CallError('dict keys must be strings');
    values.set(args[i] as string, args[i + 1]);
  }
  return { kind: 'args', values };
}
/** The same for HTML: where a template escapes a value itself, that is not done twice. */
export function htmlFunctions(nowMs: number): ReadonlyMap<string, TemplateFunction> {
  const { call: urlquery } = BUILTINS.get('urlquery') as TemplateFunction;
  return new Map([
    ...notificationFunctions(nowMs),
    ['html', BUILTINS.get('print') as TemplateFunction],
    ['urlquery', { takes: [], rest: 'any', call: (args) => typed(ESCAPED_URL, urlquery(args) as string) }],
  ]);
}
/** Names a notification's template may call. */
export const NOTIFICATION_FUNCTIONS: ReadonlySet<string> = new Set([...BUILTINS.keys(), ...notificationFunctions(0).keys()]);

import { entriesOf } from '#query/promql/labels.ts';
import { beneath, type TemplateFunction, type TemplateObject, type TemplateValue } from '#query/rules/go-value.ts';
import { fingerprintOf } from '../alert.ts';
import type { FlushAlert } from '../dispatcher.ts';
import { commonAnnotations, commonLabels, type Message, statusOf } from '../message.ts';
import { timeObject } from './template-time.ts';

/** What notification templates are given (template.Data of Alertmanager): names, types and methods of Go. */
const object = (type: string, is: TemplateObject['is'], methods: Readonly<Record<string, TemplateFunction>> = {}): TemplateObject => ({
  ...{ kind: 'object', type, is },
  methods: new Map(Object.entries(methods)),
});
const NONE: readonly string[] = [];
const given = (call: () => TemplateValue): TemplateFunction => ({ takes: NONE, call });
export const STRINGS = '[]string';
export const strings = (list: readonly string[]): TemplateObject => object(STRINGS, list);
export const textsIn = (value: TemplateValue): readonly string[] => beneath(value) as readonly string[];

const struct = (fields: Readonly<Record<string, TemplateValue>>): TemplateObject['is'] => ({
  kind: 'struct',
  fields: new Map(Object.entries(fields)),
});
type Pair = readonly [name: string, value: string];
/** The alert's name first, then the others in order. */
function sortedPairs(map: ReadonlyMap<string, string>): Pair[] {
  const isName = ([name]: Pair): boolean => name === 'alertname';
  return [...[...map].filter(isName), ...[...map].filter((each) => !isName(each)).sort(([a], [b]) => (a < b ? -1 : 1))];
}
const namesOf = (pairs: readonly Pair[]): TemplateObject => strings(pairs.map(([name]) => name));
const valuesOf = (pairs: readonly Pair[]): TemplateObject => strings(pairs.map(([, value]) => value));
const said = (pairs: readonly Pair[]): string => pairs.map(([name, value]) => `${name}=${value}`).join(', ');

function pairsObject(pairs: readonly Pair[]): TemplateObject {
  const list = pairs.map(([name, value]) => object('template.Pair', struct({ Name: name, Value: value })));
  return object('template.Pairs', list, {
    Names: given(() => namesOf(pairs)),
    Values: given(() => valuesOf(pairs)),
    String: given(() => said(pairs)),
  });
}
/** Labels or annotations. */
function textsObject(map: ReadonlyMap<string, string>): TemplateObject {
  return object('template.KV', map, {
    SortedPairs: given(() => pairsObject(sortedPairs(map))),
    Names: given(() => namesOf(sortedPairs(map))),
    Values: given(() => valuesOf(sortedPairs(map))),
    String: given(() => said(sortedPairs(map))),
    Remove: {
      takes: [STRINGS],
      call: ([names]) => {
        const gone = new Set(textsIn(names));
        return textsObject(new Map([...map].filter(([name]) => !gone.has(name))));
      },
    },
  });
}
/** Go's zero time: an alert that fires has no end. */
const NO_TIME_MS = -62_135_596_800_000;

const alertObject = ({ alert, status }: FlushAlert): TemplateObject =>
  object(
    'template.Alert',
    struct({
      Status: status,
      Labels: textsObject(new Map(entriesOf(alert.labels))),
      Annotations: textsObject(alert.annotations),
      StartsAt: timeObject(alert.startsAtMs),
      EndsAt: timeObject(status === 'firing' ? NO_TIME_MS : alert.endsAtMs),
      GeneratorURL: alert.generatorUrl,
      Fingerprint: fingerprintOf(alert.labels),
    }),
  );
export function templateData({ receiver, groupLabels, alerts, externalUrl }: Message): TemplateObject {
  const all = alerts.map((each) => ({ status: each.status, value: alertObject(each) }));
  const only = (wanted: FlushAlert['status']): TemplateFunction =>
    given(() =>
      object(
        '[]template.Alert',
        all.filter(({ status }) => status === wanted).map(({ value }) => value),
      ),
    );
  return object(
    '*template.Data',
    struct({
      Receiver: receiver,
      Status: statusOf(alerts),
      Alerts: object(
        'template.Alerts',
        all.map(({ value }) => value),
        { Firing: only('firing'), Resolved: only('resolved') },
      ),
      GroupLabels: textsObject(new Map(entriesOf(groupLabels))),
      CommonLabels: textsObject(commonLabels(alerts)),
      CommonAnnotations: textsObject(commonAnnotations(alerts)),
      ExternalURL: externalUrl,
    }),
  );
}

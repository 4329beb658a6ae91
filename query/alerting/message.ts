import { entriesOf, type Labels } from '#query/promql/labels.ts';
import type { FlushAlert } from './dispatcher.ts';

/** What a message is made of: a group's turn, as it is told to one integration. */
export interface Message {
  readonly receiver: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  /** In Alertmanager's order. */
  readonly alerts: readonly FlushAlert[];
  readonly externalUrl: string;
}
type Texts = ReadonlyMap<string, string>;
/** What all have in common. */
function common(all: readonly Texts[]): Texts {
  const [first = new Map<string, string>(), ...others] = all;
  return new Map([...first].filter(([name, value]) => others.every((each) => each.get(name) === value)));
}
export const commonLabels = (alerts: readonly FlushAlert[]): Texts => common(alerts.map(({ alert }) => new Map(entriesOf(alert.labels))));
export const commonAnnotations = (alerts: readonly FlushAlert[]): Texts => common(alerts.map(({ alert }) => alert.annotations));
export const statusOf = (alerts: readonly FlushAlert[]): FlushAlert['status'] =>
  alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved';

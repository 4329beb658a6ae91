import type { Evidence } from '#contracts/judgement.ts';
import type { EvidenceFact, QuantityRole } from '../guard/evidence-fact.ts';
import { plainCounts, type Quantity, quantityOf, readFigure, sameAmount } from '../guard/quantities.ts';
import type { AliasBook } from './alias-book.ts';
import { knownWords, subjectOf } from './words.ts';

/** A row in parts, before what it allows is worked out. */
interface Stated {
  /** Clause up to where the figures stand. */
  readonly says: string;
  readonly entities: readonly string[];
  /** Named together, they come in this order. */
  readonly order?: readonly [string, string];
  /** How the figures are said: "rose from A to B", "B, up from A", "B, against A before". */
  readonly figures?: 'went' | 'takes' | 'against';
  readonly after?: string;
  readonly subjects: readonly string[];
  readonly measures: readonly string[];
}
type Params = Evidence['params'];
const text = (params: Params, name: string): string => String(params[name] ?? '');
/** A figure of ours, or '' for anything else: a unit may be telemetry's own word. */
const figure = (params: Params, name: string): string => {
  const value = text(params, name);
  if (readFigure(value) !== null) return value;
  const [number = ''] = value.split(' ');
  return readFigure(number) === null ? '' : number;
};
/**
 * "checkout (checkout-0)" is an instance of a service, aliased; else it is a service alone. Names may hold brackets
 * themselves: where one of the incident's services ends is known.
 */
function placeOf(place: string, book: AliasBook): { readonly says: string; readonly entities: string[] } {
  const cuts = place.endsWith(')') ? [...place.matchAll(/ \(/g)].map(({ index }) => index) : [];
  const cut = book.has('S', place) ? undefined : (cuts.find((at) => book.has('S', place.slice(0, at))) ?? cuts[0]);
  const service = book.alias('S', place.slice(0, cut));
  if (cut === undefined) return { says: service, entities: [service] };
  const instance = book.alias('I', place.slice(cut + 2, -1));
  return { says: `instance ${instance} of ${service}`, entities: [service, instance] };
}

function stateRow({ messageKey, params, signal }: Evidence, book: AliasBook): Stated {
  const service = (): string => book.alias('S', text(params, 'service'));
  const peer = (): string => book.alias('S', text(params, 'peer'));
  const instance = (): string => book.alias('I', text(params, 'instance'));
  const pair = (): readonly [string, string] => [service(), peer()];
  switch (messageKey) {
    case 'evidence_self_time': {
      const { says, entities } = placeOf(text(params, 'service'), book);
      return { says: `${says} itself takes`, entities, figures: 'takes', after: 'per request', subjects: ['own'], measures: ['time'] };
    }
    case 'evidence_own_errors':
      return { says: `own errors of ${service()}`, entities: [service()], figures: 'went', subjects: ['own'], measures: ['errors'] };
    case 'evidence_errors':
      return { says: `errors of ${service()}`, entities: [service()], figures: 'went', subjects: [], measures: ['errors'] };
    case 'evidence_new_errors':
      return {
        says: `error share of the new instance ${instance()} of ${service()} is`,
        entities: [service(), instance()],
        figures: 'against',
        subjects: [],
        measures: ['errors'],
      };
    case 'evidence_new_self_time':
      return {
        says: `the new instance ${instance()} of ${service()} itself takes`,
        entities: [service(), instance()],
        figures: 'against',
        subjects: ['own'],
        measures: ['time'],
      };
    case 'evidence_requests':
      return { says: `requests to ${service()}`, entities: [service()], figures: 'went', subjects: [], measures: ['requests'] };
    case 'evidence_edge_time':
      return {
        says: `calls from ${service()} to ${peer()} take`,
        entities: pair(),
        order: pair(),
        figures: 'takes',
        subjects: [],
        measures: ['time'],
      };
    case 'evidence_extra_calls':
      return {
        says: `calls from ${service()} to ${peer()}`,
        entities: pair(),
        order: pair(),
        figures: 'went',
        subjects: [],
        measures: ['calls'],
      };
    case 'evidence_edge_errors':
      return {
        says: `errors of calls from ${service()} to ${peer()}`,
        entities: pair(),
        order: pair(),
        figures: 'went',
        subjects: [],
        measures: ['errors'],
      };
    case 'evidence_facet': {
      const value = book.alias('V', text(params, 'value'));
      const says = `errors of ${service()} with ${knownWords(text(params, 'key'), 3) || 'value'} ${value}`;
      const share = figure(params, 'share');
      return {
        says,
        entities: [service(), value],
        figures: 'went',
        ...(share === '' ? {} : { after: `with ${share} of the new errors` }),
        subjects: ['fresh'],
        measures: ['errors'],
      };
    }
    case 'evidence_metric': {
      const place = placeOf(text(params, 'place'), book);
      const host = text(params, 'host') === '' ? null : book.alias('H', text(params, 'host'));
      const words = knownWords(text(params, 'metric'), 4);
      return {
        says: `${words || 'value'} of ${place.says}${host === null ? '' : ` on host ${host}`}`,
        entities: host === null ? place.entities : [...place.entities, host],
        figures: 'went',
        subjects: [],
        measures: words.split(' ').flatMap((word) => subjectOf(word) ?? []),
      };
    }
    case 'evidence_log_new':
    case 'evidence_log_more': {
      const words = knownWords(text(params, 'pattern'), 5);
      const subjects = messageKey === 'evidence_log_new' ? ['fresh'] : [];
      const says = `log lines${words ? ` (${words})` : ''} of ${service()}`;
      return { says, entities: [service()], figures: 'went', subjects, measures: ['log'] };
    }
    default:
      return signal === 'change' ? stateChange(messageKey, params, book) : { says: '', entities: [], subjects: [], measures: [] };
  }
}
function stateChange(messageKey: string, params: Params, book: AliasBook): Stated {
  const service = book.alias('S', text(params, 'service'));
  const kind = /^evidence_change_(deploy|restart|scale|config|flag)$/.exec(messageKey)?.[1] ?? 'config';
  const named = kind === 'restart' || kind === 'scale' ? 'I' : 'V';
  const sides = ['from', 'to'].map((side) => text(params, side)).filter((name) => name !== '');
  const aliases = kind === 'restart' ? [] : sides.map((name) => book.alias(named, name));
  const between = aliases.length === 2 ? ` from ${aliases.join(' to ')}` : aliases.length === 1 ? ` to ${aliases[0]}` : '';
  const seconds = Number(params['seconds']);
  const lead = seconds >= 0 ? `${Math.round(seconds)} s before the trouble` : 'as the trouble began';
  const [old, next] = aliases;
  return {
    says: `${kind} of ${service}${between}, ${lead}`,
    entities: [service, ...aliases],
    ...(old !== undefined && next !== undefined ? { order: [old, next] as const } : {}),
    subjects: [kind, 'fresh'],
    measures: [],
  };
}

/** One evidence row as an aliased clause and what it allows to be said. null: a row of a kind we do not know. */
export function stateFact(evidence: Evidence, book: AliasBook): EvidenceFact | null {
  const stated = stateRow(evidence, book);
  if (stated.says === '') return null;
  const from = figure(evidence.params, 'from');
  const to = figure(evidence.params, 'to');
  const direction = stated.figures === undefined ? 'none' : directionOf(evidence, readFigure(from), readFigure(to));
  const clause = stated.figures === undefined ? stated.says : sayFigures(stated, direction, from, to);
  const words =
    plainCounts(clause)
      .toLowerCase()
      .match(/[a-z]+/g) ?? [];
  return {
    id: evidence.id,
    text: clause,
    entities: new Set(stated.entities),
    required: requiredOf(stated),
    order: stated.order ?? null,
    quantities: stated.figures === undefined ? leadOf(evidence.params) : quantitiesOf(evidence, from, to),
    direction,
    measures: new Set(stated.measures),
    isIndirect: evidence.messageKey.startsWith('evidence_log'),
    subjects: new Set([...stated.subjects, ...stated.measures, ...words.flatMap((word) => subjectOf(word) ?? [])]),
  };
}
/** An instance stands for its service, a service never for one of its instances. Versions and hosts may go unsaid. */
function requiredOf({ entities, figures }: Stated): Set<string> {
  const isRequired = entities.some((alias) => alias.startsWith('I')) ? /^[IV]/ : /^[SV]/;
  return new Set(entities.filter((alias) => (figures === undefined ? /^S/ : isRequired).test(alias)));
}
function directionOf({ value, baseline }: Evidence, from: Quantity | null, to: Quantity | null): EvidenceFact['direction'] {
  const [before, now] =
    typeof value === 'number' && typeof baseline === 'number' ? [baseline, value] : [from?.amount ?? Number.NaN, to?.amount ?? Number.NaN];
  if (Number.isNaN(before) || Number.isNaN(now) || sameAmount(before, now)) return 'none';
  return now > before ? 'up' : 'down';
}
function sayFigures({ says, figures, after }: Stated, direction: EvidenceFact['direction'], from: string, to: string): string {
  const tail = after === undefined ? '' : figures === 'went' ? `, ${after}` : ` ${after}`;
  if (to === '') return `${says} ${figures === 'went' ? 'changed' : 'seen'}${tail}`;
  if (from === '') return `${says} ${figures === 'went' ? `now ${to}` : to}${tail}`;
  if (figures === 'went') return `${says} ${{ up: 'rose', down: 'fell', none: 'went' }[direction]} from ${from} to ${to}${tail}`;
  if (figures === 'against' || direction === 'none') return `${says} ${to}${tail}, against ${from} before`;
  return `${says} ${to}${tail}, ${direction} from ${from}`;
}
function leadOf(params: Params): EvidenceFact['quantities'] {
  const seconds = Number(params['seconds']);
  return seconds >= 0 ? [{ amount: Math.round(seconds), dimension: 'time', role: 'lead' }] : [];
}
function quantitiesOf({ params, value, baseline, unit }: Evidence, from: string, to: string): EvidenceFact['quantities'] {
  const exact = (number: number | string | null): Quantity | null => (typeof number === 'number' ? quantityOf(number, unit) : null);
  const roles: readonly (readonly [QuantityRole, Quantity | null])[] = [
    ['base', readFigure(from)],
    ['value', readFigure(to)],
    ['base', exact(baseline)],
    ['value', exact(value)],
    ['share', readFigure(figure(params, 'share'))],
  ];
  const known = roles.flatMap(([role, quantity]) => (quantity === null ? [] : [{ ...quantity, role }]));
  // How many times over: of the figures as said and of the exact ones, since the first are rounded.
  const factors = [
    [known.find((q) => q.role === 'base'), known.find((q) => q.role === 'value')],
    [known.findLast((q) => q.role === 'base'), known.findLast((q) => q.role === 'value')],
  ].flatMap(([before, now]) => {
    const isSame = before !== undefined && now !== undefined && before.dimension === now.dimension;
    return isSame && before.amount > 0 && now.amount > 0 ? [now.amount / before.amount] : [];
  });
  return [...known, ...factors.map((amount) => ({ amount, dimension: 'factor' as const, role: 'value' as const }))];
}

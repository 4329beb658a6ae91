import type { CarbonAnswer, CarbonFigure } from '#contracts/carbon.ts';
import type { CostAnswer, CostLedger, Figure } from '#contracts/cost.ts';
import { colourTokens, SERIES_COLOURS } from '../../lib/series-colour.ts';
import type { TimeSpan } from '../../lib/time-range.ts';

/** Cost and emissions of one service, or of what belongs to none. */
export interface Party {
  readonly key: string;
  /** Service name; the screen says the others in its language. */
  readonly name: string;
  readonly kind: 'service' | 'idle' | 'unallocated';
  readonly token: string;
  readonly cost: Figure | null;
  readonly carbon: CarbonFigure | null;
  readonly requests: number;
  readonly costPerThousand: Figure | null;
  readonly carbonPerThousand: CarbonFigure | null;
  /** Part of what is reserved that is not used, 0-1; null: not known or not a service. */
  readonly idleShare: number | null;
  /** One per cell; empty where nothing is known. */
  readonly costCells: readonly number[];
  readonly carbonCells: readonly number[];
}
export interface Parties {
  readonly rows: readonly Party[];
  readonly ledger: CostLedger | null;
}
const IDLE_TOKEN = '--level-info';
const UNALLOCATED_TOKEN = '--level-debug';
/** Services beyond the drawn ones. */
const OTHER_TOKEN = '--ink-faint';
const MAX_LAYERS = SERIES_COLOURS - 2;

/** Cells of whole steps, so that a window that moves by seconds asks for the same figures. */
export function cellWindow(span: TimeSpan, stepMs: number): TimeSpan {
  return { startMs: Math.floor(span.startMs / stepMs) * stepMs, endMs: Math.ceil(span.endMs / stepMs) * stepMs };
}
const STEPS_MS = [60_000, 300_000, 900_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 86_400_000];
/** At most 48 bars; a minute at least. */
export const cellStep = (span: TimeSpan): number => STEPS_MS.find((step) => (span.endMs - span.startMs) / step <= 48) ?? 86_400_000;

export const perThousandCost = (cost: Figure, requests: number, query: string, currency: string): Figure => {
  const amount = (Number(cost.amount) / requests) * 1000;
  return {
    amount: amount.toFixed(12),
    query,
    formula: `${cost.amount} ${currency} / ${requests} requests × 1000 = ${Number(amount.toPrecision(4))} ${currency}`,
  };
};

/** Services by cost (by emissions where no price is known), then what is unallocated, then what is idle. */
export function parties(cost: CostAnswer | null, carbon: CarbonAnswer | null, currency: string): Parties {
  const ledger = cost?.ledgers.find((each) => each.currency === currency) ?? cost?.ledgers[0] ?? null;
  const costOf = new Map(ledger?.services.map((each) => [each.service, each]));
  const carbonOf = new Map(carbon?.services.map((each) => [each.service, each]));
  const names = [...new Set([...costOf.keys(), ...carbonOf.keys()])].sort();
  const rankOf = (service: string): number =>
    ledger ? Number(costOf.get(service)?.cost.amount ?? 0) : (carbonOf.get(service)?.emissions.mid ?? 0);
  const ranked = [...names].sort((x, y) => rankOf(y) - rankOf(x) || (x < y ? -1 : 1));
  // By name, not by rank: a colour stays with its service while figures change. No two that are drawn share one.
  const tokens = colourTokens(ranked.slice(0, MAX_LAYERS).sort());
  const services = ranked.map((service): Party => {
    const [paid, emitted] = [costOf.get(service), carbonOf.get(service)];
    const requests = emitted?.requests ?? 0;
    const counted = emitted?.perThousandRequests?.query ?? '';
    return {
      key: `service ${service}`,
      name: service,
      kind: 'service',
      token: tokens.get(service) ?? OTHER_TOKEN,
      cost: paid?.cost ?? null,
      carbon: emitted?.emissions ?? null,
      requests,
      costPerThousand: paid && ledger && requests > 0 ? perThousandCost(paid.cost, requests, counted, ledger.currency) : null,
      carbonPerThousand: emitted?.perThousandRequests ?? null,
      idleShare: emitted?.idleShare ?? null,
      costCells: paid?.cells.map(Number) ?? [],
      carbonCells: emitted?.cells ?? [],
    };
  });
  const rest = (kind: 'idle' | 'unallocated'): Party => ({
    key: kind,
    name: '',
    kind,
    token: kind === 'idle' ? IDLE_TOKEN : UNALLOCATED_TOKEN,
    cost: ledger?.[kind] ?? null,
    carbon: carbon ? (kind === 'idle' ? carbon.idle : carbon.unattributed) : null,
    requests: 0,
    costPerThousand: null,
    carbonPerThousand: null,
    idleShare: null,
    costCells: (kind === 'idle' ? ledger?.idleCells : ledger?.unallocatedCells)?.map(Number) ?? [],
    carbonCells: (kind === 'idle' ? carbon?.idleCells : carbon?.unattributedCells) ?? [],
  });
  return { rows: [...services, rest('unallocated'), rest('idle')], ledger };
}

export interface StackLayer {
  readonly key: string;
  readonly kind: Party['kind'] | 'other';
  readonly name: string;
  readonly token: string;
  /** Height drawn: this layer and all below. */
  readonly tops: readonly number[];
  readonly counts: readonly number[];
}
/** Bars that stand on each other, the tallest first, as they are drawn. Services beyond ten are one layer. */
export function stackParties(rows: readonly Party[], cells: number, pick: (party: Party) => readonly number[]): StackLayer[] {
  const known = rows.filter((party) => pick(party).some((value) => value !== 0));
  const services = known.filter((party) => party.kind === 'service');
  const shown = services.slice(0, MAX_LAYERS);
  const beyond = services.slice(MAX_LAYERS);
  const other: StackLayer[] =
    beyond.length === 0
      ? []
      : [
          {
            key: 'other',
            kind: 'other',
            name: String(beyond.length),
            token: OTHER_TOKEN,
            tops: [],
            counts: Array.from({ length: cells }, (_, i) => beyond.reduce((sum, party) => sum + (pick(party)[i] ?? 0), 0)),
          },
        ];
  const layerOf = (party: Party): StackLayer => ({
    key: party.key,
    kind: party.kind,
    name: party.name,
    token: party.token,
    tops: [],
    counts: Array.from({ length: cells }, (_, i) => pick(party)[i] ?? 0),
  });
  const order = [...shown.map(layerOf), ...other, ...known.filter((party) => party.kind !== 'service').map(layerOf)];
  const below = new Array<number>(cells).fill(0);
  return order.map((layer) => ({ ...layer, tops: layer.counts.map((count, i) => (below[i] = (below[i] ?? 0) + count)) })).reverse();
}
/** What a table row is worth beside the whole, 0-1. */
export const shareOf = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

import type { Quantity } from './quantities.ts';

/** base: before the trouble. value: in it. share: a part of something. lead: how long before the trouble. */
export type QuantityRole = 'base' | 'value' | 'share' | 'lead';
/** What one evidence row allows a sentence to say. Everything in aliases; nothing of it is telemetry's own words. */
export interface EvidenceFact {
  /** "E3", as on the page. */
  readonly id: string;
  /** The row as a clause: what the card shows, and a sentence that always holds. */
  readonly text: string;
  readonly entities: ReadonlySet<string>;
  /** Without these a claim says more than the row: the errors of one tenant are not the errors of the service. */
  readonly required: ReadonlySet<string>;
  /** Caller and callee, or what was before and after a change: named together, they come in this order. */
  readonly order: readonly [first: string, second: string] | null;
  readonly quantities: readonly (Quantity & { readonly role: QuantityRole })[];
  readonly direction: 'up' | 'down' | 'none';
  /** Subjects of what the row measures: "rose" without a figure must name one of them ("errors of calls rose", not "calls rose"). */
  readonly measures: ReadonlySet<string>;
  /** What is measured must be named, with or without figure: a rate of log lines is not a rate of what they speak of. */
  readonly isIndirect: boolean;
  /** Subjects (prompts/words.ts) the row is about. */
  readonly subjects: ReadonlySet<string>;
}

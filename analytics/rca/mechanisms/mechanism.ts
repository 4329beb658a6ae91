import type { CauseKind } from '#contracts/judgement.ts';
import type { EvidenceRow } from '../evidence-rows.ts';

/** A way a place may have come to cause trouble, with how well the evidence fits it. */
export interface Mechanism {
  readonly kind: CauseKind;
  /** 0-1: 0.9 and more when the evidence is specific to this mechanism. */
  readonly strength: number;
  readonly instance: string | null;
  readonly because: string;
  readonly rows: readonly EvidenceRow[];
}

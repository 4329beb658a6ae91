import type { Scenario } from './round.ts';
import { kill } from './rounds/kill.ts';

/** All kinds of fault, in the order of a full run. */
export const SCENARIOS: readonly Scenario[] = [kill];

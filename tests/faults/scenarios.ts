import type { Scenario } from './round.ts';
import { clients } from './rounds/clients.ts';
import { clock } from './rounds/clock.ts';
import { damage } from './rounds/damage.ts';
import { disk } from './rounds/disk.ts';
import { fileLimit } from './rounds/file-limit.ts';
import { eio, killAt, readError, slowDisk } from './rounds/input-output.ts';
import { kill } from './rounds/kill.ts';
import { stop } from './rounds/stop.ts';

/** All kinds of fault, in the order of a full run. */
export const SCENARIOS: readonly Scenario[] = [kill, killAt, stop, clients, disk, fileLimit, eio, readError, slowDisk, damage, clock];

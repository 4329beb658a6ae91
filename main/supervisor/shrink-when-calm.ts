import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 30_000;
/** Of one core. */
const CALM_SHARE = 0.05;
const WORTH_SHRINKING_BYTES = 4 * 1024 ** 2;

/**
 * A process with nothing to do collects no garbage: what its start or a load left stays for as long as it rests. Here it is collected
 * once when it rests, and V8's spare pages go back to the system (collector after its start: 82 -> 72 MB, for 40 ms of CPU).
 */
export function shrinkWhenCalm(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  let usage = process.cpuUsage();
  let leftBytes = 0;
  setInterval(() => {
    const spent = process.cpuUsage(usage);
    usage = process.cpuUsage();
    if ((spent.user + spent.system) / 1000 > LOOK_EVERY_MS * CALM_SHARE || heldBytes() - leftBytes < WORTH_SHRINKING_BYTES) return;
    void collect({ type: 'major', flavor: 'last-resort', execution: 'sync' });
    leftBytes = heldBytes();
  }, LOOK_EVERY_MS).unref();
}
function heldBytes(): number {
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}

import type { Registry } from 'prom-client';
import type { CompactionFacts } from '#contracts/store.ts';
import type { Engine } from '#main/engine/engine.ts';
import { type NamedMetric, registerNamed } from './named-metrics.ts';

const COUNTERS: readonly NamedMetric<CompactionFacts>[] = [
  ['faultline_compaction_samples', 'Samples moved from rows to blocks.', (facts) => facts.samples],
  ['faultline_compaction_blocks', 'Blocks made.', (facts) => facts.blocks],
  ['faultline_compaction_block_bytes', 'Bytes of the blocks made.', (facts) => facts.blockBytes],
  ['faultline_compaction_errors', 'Days that could not be compacted; tried again later.', (facts) => facts.errors],
];
const GAUGES: readonly NamedMetric<CompactionFacts>[] = [
  ['faultline_compaction_on', '1 while samples are compacted, 0 with it switched off.', (facts) => Number(facts.on)],
  ['faultline_blocks_samples', 'Samples in blocks, of the days attached.', (facts) => facts.inBlocks.samples],
  ['faultline_blocks', 'Blocks of samples, of the days attached.', (facts) => facts.inBlocks.blocks],
  ['faultline_compaction_last_timestamp_seconds', 'When a day was last gone through to the end.', (facts) => (facts.lastRunMs ?? 0) / 1000],
  ['faultline_compaction_last_bytes_before', 'Bytes in use in that file before.', (facts) => facts.lastBytes?.before ?? 0],
  ['faultline_compaction_last_bytes_after', 'Bytes in use in that file after.', (facts) => facts.lastBytes?.after ?? 0],
  [
    'faultline_compaction_longest_hold_seconds',
    'Longest commit of a slice, for which the writer of the store may wait.',
    (facts) => facts.longestHoldMs / 1000,
  ],
  ['faultline_compaction_longest_turn_seconds', 'Longest time a slice held the thread.', (facts) => facts.longestTurnMs / 1000],
  ['faultline_compaction_longest_checkpoint_seconds', 'Longest checkpoint after slices.', (facts) => facts.longestCheckpointMs / 1000],
];

/** What store/compact counts, on /metrics. */
export function registerCompaction(engine: Engine, registers: Registry[]): void {
  registerNamed({ counters: COUNTERS, gauges: GAUGES }, () => engine.facts?.compaction ?? null, registers);
}

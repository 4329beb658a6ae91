import type { Registry } from 'prom-client';
import type { Engine } from '#main/engine/engine.ts';
import { scraped } from './named-metrics.ts';

/** What the threads of PromQL and of replays count (main/engine/promql-threads.ts), on /metrics. */
export function registerPromql({ promql, replay }: Pick<Engine, 'promql' | 'replay'>, registers: Registry[]): void {
  const { counter, gauge } = scraped(registers);
  gauge('faultline_promql_threads', 'Threads that answer PromQL, now.', () => promql.size);
  gauge('faultline_promql_running', 'Requests they are at.', () => promql.running);
  counter('faultline_promql_threads_started', 'Threads started.', [], () => [[{}, promql.counts.started]]);
  counter('faultline_promql_threads_ended', 'Threads that had to be ended, by why.', ['reason'], () =>
    Object.entries(promql.counts.ended).map(([reason, n]) => [{ reason }, n]),
  );
  counter('faultline_promql_answers', 'Requests answered.', [], () => [[{}, promql.counts.answered]]);
  gauge('faultline_promql_cache_bytes', 'Samples their threads keep for queries to come, bytes.', () => promql.cacheBytes);
  counter('faultline_promql_samples', 'Samples of the answers: read from the store, or reused.', ['from'], () =>
    Object.entries(promql.counts.samples).map(([from, n]) => [{ from }, n]),
  );
  counter('faultline_promql_seconds', 'Time until the first byte of their answers, all together.', [], () => [[{}, promql.counts.seconds]]);
  gauge('faultline_replay_running', 'Replays and noise reports that are made, now.', () => replay.running);
  gauge('faultline_replay_threads', 'Threads that make them, now.', () => replay.threads.size);
  counter('faultline_replays', 'Replays and noise reports, by how they ended.', ['outcome'], () => {
    const { done, failed, cancelled } = replay.counts;
    return [done, failed, cancelled].map((n, i) => [{ outcome: ['done', 'failed', 'cancelled'][i] as string }, n]);
  });
  counter('faultline_replay_seconds', 'Time they took, all together.', [], () => [[{}, replay.counts.seconds]]);
  counter('faultline_replay_threads_ended', 'Threads of theirs that had to be ended, by why.', ['reason'], () =>
    Object.entries(replay.threads.counts.ended).map(([reason, n]) => [{ reason }, n]),
  );
}

import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SenderStatus } from '#contracts/processes.ts';
import { lagBytes } from '#main/engine/describe-state.ts';
import type { Engine } from '#main/engine/engine.ts';
import { registerAlerting } from './alerting-metrics.ts';
import { registerCompaction } from './compaction-metrics.ts';
import { registerForwarding } from './forwarding-metrics.ts';
import { registerLimits } from './limit-metrics.ts';
import { scraped } from './named-metrics.ts';
import { registerNotifications } from './notification-metrics.ts';
import { registerPromql } from './promql-metrics.ts';

/** The engine's own metrics, OpenMetrics text at GET /metrics. Values are read when scraped. */
export class SelfMetrics {
  private readonly registry = new Registry();
  readonly requestSeconds: Histogram<'route' | 'status'>;

  constructor(engine: Engine) {
    this.registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.requestSeconds = new Histogram({
      name: 'faultline_api_request_duration_seconds',
      help: 'Answers of the console API.',
      labelNames: ['route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
      registers,
    });
    const { account, loop, book, evaluation, memory, previousEnd } = engine.parts;
    const { counter, gauge } = scraped(registers);
    counter('faultline_items', 'Items made visible to queries.', ['signal'], () =>
      Object.entries(account.items).map(([signal, n]) => [{ signal }, n]),
    );
    counter('faultline_rows', 'Rows appended to the store.', ['table'], () =>
      Object.entries(account.rows).map(([table, n]) => [{ table }, n]),
    );
    const byReason = (totals: ReadonlyMap<string, ReadonlyMap<string, number>>) => (): [Record<'source' | 'reason', string>, number][] =>
      [...totals].flatMap(([source, reasons]) =>
        [...reasons].map(([reason, n]): [Record<'source' | 'reason', string>, number] => [{ source, reason }, n]),
      );
    counter('faultline_dropped', 'Items dropped after the acknowledgement.', ['source', 'reason'], byReason(account.dropped));
    counter('faultline_noted', 'Items kept with a repair.', ['source', 'reason'], byReason(account.noted));
    counter('faultline_refused', 'Requests the collector refused.', ['source', 'reason'], () =>
      (engine.collectorStatus?.sources ?? []).flatMap((s) =>
        Object.entries(s.refused).map(([reason, n]): [Record<'source' | 'reason', string>, number] => [{ source: s.source, reason }, n]),
      ),
    );
    const ruled = (key: 'matched' | 'leftOut' | 'written') => (): [Record<'rule', string>, number][] =>
      [...engine.rules.counts].map(([rule, counts]) => [{ rule }, counts[key]]);
    counter('faultline_rule_matched', 'Items a rule of the Volume page matched.', ['rule'], ruled('matched'));
    counter('faultline_rule_left_out', 'Items a rule of the Volume page kept out of the store.', ['rule'], ruled('leftOut'));
    counter('faultline_rule_written', 'Rows an aggregate rule stored in their place.', ['rule'], ruled('written'));
    const bySender = (read: (sender: SenderStatus) => number) => (): [Record<'address' | 'sender', string>, number][] =>
      (engine.collectorStatus?.senders ?? []).map((sender) => [{ address: sender.address, sender: sender.name }, read(sender)]);
    const senders: ['address', 'sender'] = ['address', 'sender'];
    counter(
      'faultline_sender_requests',
      'Requests taken in, by sender (the hundred largest).',
      senders,
      bySender(({ requests }) => requests),
    );
    counter(
      'faultline_sender_bytes',
      'Bytes of bodies as sent, by sender.',
      senders,
      bySender(({ bytes }) => bytes),
    );
    counter(
      'faultline_sender_refused',
      'Requests refused, by sender.',
      senders,
      bySender(({ refused }) => refused),
    );
    registerForwarding(engine, counter, registers);
    registerCompaction(engine, registers);
    registerLimits(engine, registers);
    registerAlerting(engine, registers);
    registerNotifications(engine.parts, counter, registers);
    registerPromql(engine, registers);
    counter('faultline_journal_records', 'Journal records read.', [], () => [[{}, account.records]]);
    counter('faultline_journal_damaged_places', 'Places of the journal that could not be read; what stood there is lost.', [], () => [
      [{}, loop.damage.places],
    ]);
    counter('faultline_journal_damaged_bytes', 'Bytes of the journal that could not be read.', [], () => [[{}, loop.damage.bytes]]);
    counter('faultline_judgements_skipped', 'Judgements that failed; their cells were not judged.', [], () => [[{}, evaluation.skipped]]);
    counter('faultline_judgement_left_out', 'What judgement had no room for, by limit (docs/limits.md).', ['limit'], () => [
      [{ limit: 'subjects' }, evaluation.limits.refusedSubjects],
      [{ limit: 'timeline_changes' }, evaluation.limits.untoldChanges],
      [{ limit: 'timeline_lines' }, evaluation.limits.untoldLines],
    ]);
    counter('faultline_ring_refused', 'Series judgement had no room for.', [], () => [[{}, evaluation.ring.refused]]);
    counter('faultline_queries_stopped_for_memory', 'SQL queries stopped because the engine held too much memory.', [], () => [
      [{}, memory.stopped],
    ]);
    counter('faultline_engine_ended', 'Engines that ended on purpose since the supervisor started, by the code they gave.', ['code'], () =>
      previousEnd === null ? [] : [[{ code: previousEnd.code }, previousEnd.times]],
    );
    counter('faultline_model_questions', 'Questions to the local model and how they ended (docs/limits.md).', ['outcome'], () =>
      Object.entries(engine.models.counts).map(([outcome, n]) => [{ outcome }, n]),
    );
    gauge('faultline_model_resident_memory_bytes', 'Memory of the llm process; 0 while there is none.', () => engine.models.rssBytes);
    counter(
      'faultline_batches_forgotten',
      'Ids of batches (forwarding consoles, imports, tailed files) forgotten, by limit (docs/limits.md).',
      ['limit'],
      () => Object.entries(engine.facts?.forgottenBatches ?? {}).map(([limit, n]) => [{ limit }, n]),
    );
    counter('faultline_store_beside_removed', 'Backups and exports removed by size or age.', [], () => [
      [{}, engine.facts?.beside.removed ?? 0],
    ]);
    gauge('faultline_journal_lag_bytes', 'Acknowledged bytes not decoded yet.', () => lagBytes(engine));
    gauge('faultline_ingest_paused', '1 while reading waits for the store to write.', () => (loop.paused ? 1 : 0));
    gauge('faultline_open_incidents', 'Incidents open now.', () => book.open().length);
    gauge('faultline_last_judgement_timestamp_seconds', 'When the newest data was last judged.', () => evaluation.lastTickMs / 1000);
    gauge('faultline_collector_resident_memory_bytes', 'Memory of the collector.', () => engine.collectorStatus?.rssBytes ?? 0);
    const parts = (name: string, help: string, label: 'table' | 'part', read: () => Readonly<Record<string, number>>): void =>
      void new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          for (const [part, value] of Object.entries(read())) this.set({ [label]: part }, value);
        },
      });
    const hot = (key: 'rows' | 'bytes') => (): Record<string, number> =>
      Object.fromEntries(Object.entries(engine.store.hot()).map(([table, counts]) => [table, counts[key]]));
    parts('faultline_hot_rows', 'Rows held in memory.', 'table', hot('rows'));
    parts('faultline_hot_bytes', 'Bytes held in memory.', 'table', hot('bytes'));
    parts('faultline_disk_bytes', 'Bytes of the data folder, every file in one part.', 'part', () => engine.facts?.disk ?? {});
  }
  async answer(): Promise<Response> {
    return new Response(await this.registry.metrics(), { headers: { 'Content-Type': this.registry.contentType } });
  }
}

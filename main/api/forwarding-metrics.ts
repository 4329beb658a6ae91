import { Gauge, type Registry } from 'prom-client';
import type { DestinationView } from '#contracts/forwarding.ts';
import type { Engine } from '#main/engine/engine.ts';

/** Registers a counter that is read when scraped; see self-metrics.ts. */
export type AddCounter = <L extends string>(name: string, help: string, labelNames: L[], read: () => [Record<L, string>, number][]) => void;

/** Forwarding in /metrics. The counters are the destination's own, saved with its position: they outlive every process. */
export function registerForwarding(engine: Engine, counter: AddCounter, registers: Registry[]): void {
  const each = <L extends string>(read: (view: DestinationView) => [Record<L, string>, number][]) =>
    engine.forwarding
      .view()
      .destinations.flatMap((view) =>
        read(view).map(([labels, value]): [Record<L | 'destination', string>, number] => [
          { ...labels, destination: view.name } as Record<L | 'destination', string>,
          value,
        ]),
      );
  counter(
    'faultline_egress_bytes',
    'Request bytes sent to destinations, receivers of notifications and Alertmanagers since the engine started.',
    [],
    () => [[{}, engine.egressBytes]],
  );
  counter('faultline_forward_sent_items', 'Items a destination took.', ['destination', 'signal'], () =>
    each<'signal'>(({ counters }) => Object.entries(counters.sent).map(([signal, { items }]) => [{ signal }, items])),
  );
  counter('faultline_forward_sent_requests', 'Requests a destination took.', ['destination', 'signal'], () =>
    each<'signal'>(({ counters }) => Object.entries(counters.sent).map(([signal, { requests }]) => [{ signal }, requests])),
  );
  counter('faultline_forward_retries', 'Requests tried again.', ['destination'], () =>
    each<never>(({ counters }) => [[{}, counters.retries]]),
  );
  counter('faultline_forward_rejected_items', 'Items a destination said it did not take (partial success).', ['destination'], () =>
    each<never>(({ counters }) => [[{}, counters.rejectedItems]]),
  );
  counter('faultline_forward_lost_items', 'Items not forwarded, by reason.', ['destination', 'reason'], () =>
    each<'reason'>(({ counters }) =>
      Object.entries({ ...counters.failed, ...counters.dropped }).map(([reason, { items }]) => [{ reason }, items]),
    ),
  );
  const gauge = (name: string, help: string, read: (view: DestinationView) => number): void =>
    void new Gauge({
      name,
      help,
      labelNames: ['destination'],
      registers,
      collect() {
        this.reset();
        for (const view of engine.forwarding.view().destinations) this.set({ destination: view.name }, read(view));
      },
    });
  gauge('faultline_forward_queue_bytes', 'Journal bytes waiting for a destination.', ({ queue }) => queue.bytes);
  gauge('faultline_forward_queue_items', 'Items waiting for a destination.', ({ queue }) => queue.items);
  gauge('faultline_forward_up', '1 unless a destination waits, is paused or blocked.', ({ state }) =>
    state === 'idle' || state === 'sending' ? 1 : 0,
  );
}

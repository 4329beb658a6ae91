import { Counter, Gauge, type Registry } from 'prom-client';

/** A metric without labels and how it is read when it is scraped. */
export type NamedMetric<Of> = readonly [name: string, help: string, read: (of: Of) => number];

/** Metrics read when they are scraped: makers of one without labels, and of one with them. */
export function scraped(registers: Registry[]): {
  readonly gauge: (name: string, help: string, read: () => number) => void;
  readonly counter: <L extends string>(name: string, help: string, labelNames: L[], read: () => [Record<L, string>, number][]) => void;
} {
  return {
    gauge: (name, help, read) =>
      void new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(read());
        },
      }),
    counter: (name, help, labelNames, read) =>
      void new Counter({
        ...{ name, help, labelNames, registers },
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.inc(labels, value);
        },
      }),
  };
}
/** @param of what they are read of; null: everything is 0 */
export function registerNamed<Of>(
  kinds: { readonly counters: readonly NamedMetric<Of>[]; readonly gauges: readonly NamedMetric<Of>[] },
  of: () => Of | null,
  registers: Registry[],
): void {
  const readNow = (read: (of: Of) => number): number => {
    const now = of();
    return now === null ? 0 : read(now);
  };
  const { counter, gauge } = scraped(registers);
  for (const [name, help, read] of kinds.counters) counter(name, help, [], () => [[{}, readNow(read)]]);
  for (const [name, help, read] of kinds.gauges) gauge(name, help, () => readNow(read));
}

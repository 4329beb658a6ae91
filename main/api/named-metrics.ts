import { Counter, Gauge, type Registry } from 'prom-client';

/** A metric without labels and how it is read when it is scraped. */
export type NamedMetric<Of> = readonly [name: string, help: string, read: (of: Of) => number];

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
  for (const [name, help, read] of kinds.counters)
    new Counter({
      ...{ name, help, registers },
      collect() {
        this.reset();
        this.inc(readNow(read));
      },
    });
  for (const [name, help, read] of kinds.gauges)
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(readNow(read));
      },
    });
}

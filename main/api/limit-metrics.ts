import { Gauge, type Registry } from 'prom-client';
import type { SourceLimitsAnswer } from '#contracts/source-limits.ts';
import type { Engine } from '#main/engine/engine.ts';
import { describeLimits } from '#main/engine/limits/describe-limits.ts';

type Limit = SourceLimitsAnswer['limits'][number];
const MANY = ['limit', 'source', 'service'] as const;

/** Limits by source and what is used of them; what they refused is in faultline_refused and faultline_dropped, by reason. */
export function registerLimits(engine: Engine, registers: Registry[]): void {
  const limits = (): readonly Limit[] => describeLimits(engine.limits, engine.collectorStatus, engine.parts.nowMs()).limits;
  const used = (name: string, help: string, of: (usage: Limit['usage'][number]) => number | null): void =>
    void new Gauge({
      ...{ name, help, registers, labelNames: [...MANY] },
      collect() {
        this.reset();
        for (const { name: limit, usage } of limits())
          for (const each of usage) {
            const value = of(each);
            if (value !== null) this.set({ limit, source: each.source, service: each.service ?? '' }, value);
          }
      },
    });
  used('faultline_source_active_series', 'Series active today (UTC) of what has a limit of series.', ({ series }) => series);
  used('faultline_source_day_bytes', 'Bytes taken in today (UTC) of what has a limit of bytes.', ({ bytes }) => bytes);
  void new Gauge({
    ...{ name: 'faultline_source_limit', help: 'Hard limits by source.', registers, labelNames: ['limit', 'of'] as const },
    collect() {
      this.reset();
      for (const { name, limit } of limits())
        for (const [of, value] of Object.entries(limit)) if (value !== undefined) this.set({ limit: name, of }, value);
    },
  });
}

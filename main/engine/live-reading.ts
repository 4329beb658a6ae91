import type { Store } from '#contracts/store.ts';
import type { TableName } from '#contracts/tables.ts';
import { isCrowded, type JudgedSignal, type ObservationPart, readObservation, shapeKey } from '#store/read/read-observation.ts';
import { SeriesCatalog } from '#store/read/series-catalog.ts';
import { COUNTER_REACH_MS } from '#store/sql/read/metrics-sql.ts';
import { RELATIVE_MS } from '#store/sql/read/services-sql.ts';

const SIGNAL: Readonly<Record<TableName, JudgedSignal | null>> = {
  spans: 'spans',
  logs: 'logs',
  samples: 'samples',
  histograms: 'samples',
  exemplars: null,
  profiles: null,
  profile_samples: null,
};
const SIGNALS = ['spans', 'logs', 'samples'] as const;
/** How long before a cell rows are looked for that say something of it. */
const REACH_MS: Readonly<Record<JudgedSignal, number>> = { spans: RELATIVE_MS, logs: 0, samples: COUNTER_REACH_MS };
const NOTHING = Number.POSITIVE_INFINITY;

/**
 * Reads the newest cell, and the cells before it again only where rows with times in them became visible since: everything is
 * read once, not once a cell. What it gives is what reading all of its cells each time would give (live-reading.test.ts).
 *
 * What becomes visible while it reads is noted for the next time, whether this time saw it or not. Memory: the services and
 * log shapes of a few cells.
 */
export class LiveReading {
  readonly catalog = new SeriesCatalog();
  /** Readings so far, and those of them that took the older cells as read, by signal. */
  readings = 0;
  readonly newestOnly: Record<JudgedSignal, number> = { spans: 0, logs: 0, samples: 0 };
  private readonly store: Pick<Store, 'query'>;
  private readonly stepMs: number;
  private readonly cells: number;
  /** Oldest time of what became visible since the last reading, by signal. */
  private fresh: Record<JudgedSignal, number> = { spans: NOTHING, logs: NOTHING, samples: NOTHING };
  /** End of the newest cell read; 0: no cell stands. */
  private endMs = 0;
  private heard = new Map<string, Uint8Array>();
  /** Start of the newest cell each shape was seen in; null: there may have been others. */
  private shapes: Map<string, number> | null = null;

  /** The newest `cells` cells are looked at. */
  constructor(store: Pick<Store, 'query'>, stepMs: number, cells: number) {
    this.store = store;
    this.stepMs = stepMs;
    this.cells = cells;
  }
  /** Rows with these event times have become visible. */
  note(table: TableName, oldestMs: number, newestMs: number): void {
    const signal = SIGNAL[table];
    // What no cell of the next reading hears of changes nothing.
    if (signal === null || newestMs < this.endMs - (this.cells - 1) * this.stepMs - REACH_MS[signal]) return;
    this.fresh[signal] = Math.min(this.fresh[signal], oldestMs);
  }
  /** No cell stands: the next reading reads all of them. */
  forget(): void {
    this.endMs = 0;
    this.shapes = null;
  }

  async read(endMs: number): Promise<ObservationPart> {
    const { stepMs, cells } = this;
    const [startMs, newestMs] = [endMs - cells * stepMs, endMs - stepMs];
    const fresh = this.fresh;
    this.fresh = { spans: NOTHING, logs: NOTHING, samples: NOTHING };
    const stands = this.endMs > 0;
    const from = (signal: JudgedSignal, may: boolean): number => (stands && may && fresh[signal] >= newestMs ? newestMs : startMs);
    const fromMs = { spans: from('spans', true), logs: from('logs', this.shapes !== null), samples: from('samples', true) };
    const heard = stands ? this.moved(endMs) : new Map<string, Uint8Array>();
    const shapes = new Map([...(this.shapes ?? [])].filter(([, atMs]) => atMs >= startMs));
    this.forget();
    const part = await readObservation(
      this.store,
      { startMs, stepMs, buckets: cells },
      { catalog: this.catalog, relook: { fromMs, freshSpansMs: Math.min(fresh.spans, endMs), heard, shapes: shapes.keys() } },
    );
    this.readings++;
    for (const signal of SIGNALS) if (fromMs[signal] === newestMs) this.newestOnly[signal]++;
    this.heard = new Map(part.alive);
    for (const log of part.logs) {
      const cell = log.counts.findLastIndex((count) => count > 0);
      if (cell >= 0) shapes.set(shapeKey(log), startMs + cell * stepMs);
    }
    this.shapes = isCrowded(shapes.keys()) ? null : shapes;
    this.endMs = endMs;
    return part;
  }
  /** Who was heard, on the cells of a reading that ends at `endMs`. */
  private moved(endMs: number): Map<string, Uint8Array> {
    const by = Math.min(this.cells, Math.round((endMs - this.endMs) / this.stepMs));
    for (const [service, cells] of this.heard) {
      cells.copyWithin(0, by);
      cells.fill(0, this.cells - by);
      if (!cells.includes(1)) this.heard.delete(service);
    }
    return this.heard;
  }
}

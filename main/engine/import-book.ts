import { createHash } from 'node:crypto';
import { FaultlineError } from '#contracts/errors.ts';
import type { BeginImport, ImportResult, ImportTicket } from '#contracts/import-files.ts';
import type { Store } from '#contracts/store.ts';
import type { ImportBookDoor } from '#main/import/import-path.ts';

interface Entry {
  readonly name: string;
  readonly startedUnixNano: string;
  /** 1 for the first import of a content, one more for each that was asked for again. */
  readonly attempt: number;
  readonly doneRequests: number;
  readonly finishedMs: number | null;
  readonly result: ImportResult | null;
}
const keyOf = (id: string): string => `import:${id}`;
/** Bad records kept with a finished import. */
const KEPT_REFUSED = 20;

/**
 * What was imported, by content, format and mapping. An attempt that did not end keeps its batch ids and its arrival, so the next one
 * makes the same requests and the engine leaves out those that are here.
 */
export class ImportBook {
  private readonly store: Pick<Store, 'getState' | 'setState'>;
  private readonly nowMs: () => number;

  constructor({ store, nowMs }: { readonly store: Pick<Store, 'getState' | 'setState'>; readonly nowMs: () => number }) {
    this.store = store;
    this.nowMs = nowMs;
  }
  async begin({ name, sha256, format, mapping, again = false }: BeginImport): Promise<ImportTicket> {
    const id = createHash('sha256')
      .update(JSON.stringify([sha256, format, mapping ?? null]))
      .digest('hex')
      .slice(0, 28);
    let entry = await this.read(id);
    const before =
      entry?.finishedMs && entry.result && !again ? { finishedMs: entry.finishedMs, name: entry.name, result: entry.result } : null;
    if (!entry || (entry.finishedMs !== null && again)) {
      const startedUnixNano = String(BigInt(this.nowMs()) * 1_000_000n);
      entry = { name, startedUnixNano, attempt: (entry?.attempt ?? 0) + 1, doneRequests: 0, finishedMs: null, result: null };
      await this.write(id, entry);
    }
    return {
      id,
      sender: `import-${id}-${entry.attempt}`,
      arrivalUnixNano: entry.startedUnixNano,
      doneRequests: entry.doneRequests,
      before,
    };
  }
  /** Requests acknowledged so far, without a gap. */
  async progress(id: string, doneRequests: number): Promise<void> {
    const entry = await this.known(id);
    if (entry.finishedMs === null && doneRequests > entry.doneRequests) await this.write(id, { ...entry, doneRequests });
  }
  /** One that took nothing, or was cancelled, may be tried again. */
  async end(id: string, result: ImportResult): Promise<void> {
    const entry = await this.known(id);
    const { traces, logs, metrics } = result.accepted;
    if (result.cancelled || traces + logs + metrics === 0) return;
    const kept = { ...result, refused: result.refused.slice(0, KEPT_REFUSED) };
    await this.write(id, { ...entry, finishedMs: this.nowMs(), result: kept });
  }
  /** For imports that run in this process; bills are told before. */
  door(): ImportBookDoor {
    return {
      begin: (request) => this.begin(request),
      progress: (id, doneRequests) => this.progress(id, doneRequests),
      end: (id, result) => this.end(id, result),
      takeBill: () => Promise.reject(new FaultlineError('bad_request', 'A bill is taken by POST /console/import.')),
    };
  }
  private async known(id: string): Promise<Entry> {
    const entry = await this.read(id);
    if (!entry) throw new FaultlineError('not_found', `There is no import ${id}.`);
    return entry;
  }
  private async read(id: string): Promise<Entry | null> {
    const json = await this.store.getState(keyOf(id));
    return json === null ? null : (JSON.parse(json) as Entry);
  }
  private write(id: string, entry: Entry): Promise<void> {
    return this.store.setState(keyOf(id), JSON.stringify(entry));
  }
}

import { FaultlineError } from '#contracts/errors.ts';
import {
  type Destination,
  type DestinationStatus,
  type DestinationTest,
  type DestinationView,
  destinationSchema,
  type ForwarderStatus,
  type ForwardFile,
  type Forwarding,
  MAX_DESTINATIONS,
} from '#contracts/forwarding.ts';
import type { ParentPort, ProcessState } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import { newForwardState, readForwardFile, writeForwardFile } from '#exporters/forward/forward-state.ts';
import { postOtlp } from '#exporters/otlp/post-otlp.ts';
import { destinationsOf } from '#main/forwarder/destinations.ts';

export interface ForwardingOptions {
  readonly settings: Settings;
  readonly send: ParentPort['send'];
  readonly nowMs: () => number;
}
/** As the page sends it: without `headers` the ones known under this name stay (they are never sent to the page). */
export type DestinationEdit = Omit<Destination, 'headers'> & { readonly headers?: Destination['headers'] | undefined };

/**
 * What is configured for forwarding and how it goes: the engine's side. It writes DATA/forward/destinations.json and sends
 * nothing itself but the test of a destination; the forwarder process follows the file.
 */
export class ForwardingBook {
  private readonly options: ForwardingOptions;
  private file: ForwardFile;
  private status: ForwarderStatus | null = null;
  private process: ProcessState = 'stopped';
  /** Of forwarder processes that have ended. */
  private formerEgressBytes = 0;
  private writing: Promise<unknown> = Promise.resolve();

  /** @throws FaultlineError config_invalid when the file of destinations cannot be understood */
  constructor(options: ForwardingOptions) {
    this.options = options;
    try {
      this.file = readForwardFile(options.settings.dataDir);
    } catch (cause) {
      throw new FaultlineError('config_invalid', `forward/destinations.json of the data folder: ${(cause as Error).message}`, { cause });
    }
  }
  hear(status: ForwarderStatus | null, state: ProcessState): void {
    if (this.status && this.status.pid !== status?.pid) this.formerEgressBytes += this.status.egressBytes;
    this.status = status;
    this.process = state;
  }
  /** Request bytes that have left this machine's console since the engine started. */
  get egressBytes(): number {
    return this.formerEgressBytes + (this.status?.egressBytes ?? 0);
  }
  view(): Forwarding {
    return { egressBytes: this.egressBytes, process: this.process, destinations: this.destinations.map((each) => this.viewOf(each)) };
  }
  private get destinations(): readonly Destination[] {
    return destinationsOf(this.options.settings, this.file);
  }
  private isConfigured(name: string): boolean {
    return this.options.settings.forward.some((each) => each.name === name);
  }
  private viewOf({ headers, ...destination }: Destination): DestinationView {
    const told = this.status?.destinations.find(({ name }) => name === destination.name);
    const paused = this.file.control[destination.name]?.paused ?? false;
    return {
      ...destination,
      origin: this.isConfigured(destination.name) ? 'configuration' : 'console',
      headerNames: Object.keys(headers),
      ...(told ?? unknownStatus(destination.name)),
      ...(paused ? { state: 'paused' as const } : {}),
    };
  }

  /** Adds a destination, or changes the one of this name. */
  async save(edit: DestinationEdit): Promise<DestinationView> {
    const known = this.file.destinations.find(({ name }) => name === edit.name);
    if (this.isConfigured(edit.name))
      throw new FaultlineError('bad_request', `"${edit.name}" comes from the configuration: change it there.`);
    if (!known && this.destinations.length >= MAX_DESTINATIONS)
      throw new FaultlineError('bad_request', `There are ${MAX_DESTINATIONS} destinations already.`);
    const headers = edit.headers ?? known?.headers ?? {};
    // A changed host must not be sent the credentials of the former one by accident.
    if (known && edit.headers === undefined && Object.keys(headers).length > 0 && hostOf(known.url) !== hostOf(edit.url))
      throw new FaultlineError('bad_request', 'The host has changed: enter its headers again, or none.');
    const destination = destinationSchema.parse({ ...edit, headers });
    await this.write((file) => ({
      ...file,
      destinations: [...file.destinations.filter(({ name }) => name !== destination.name), destination],
      control: { ...file.control, [destination.name]: { paused: false, revision: revisionOf(file, destination.name) + 1 } },
    }));
    return this.viewOf(destination);
  }
  async remove(name: string): Promise<void> {
    this.find(name);
    if (this.isConfigured(name)) throw new FaultlineError('bad_request', `"${name}" comes from the configuration: remove it there.`);
    await this.write(({ destinations, control, version }) => {
      const { [name]: _, ...rest } = control;
      return { version, destinations: destinations.filter((each) => each.name !== name), control: rest };
    });
  }
  /** Resuming also lifts a block and ends a wait. */
  async pause(name: string, paused: boolean): Promise<DestinationView> {
    const destination = this.find(name);
    await this.write((file) => ({
      ...file,
      control: { ...file.control, [name]: { paused, revision: revisionOf(file, name) + (paused ? 0 : 1) } },
    }));
    return this.viewOf(destination);
  }
  /** Sends an empty request of the first signal, which every OTLP receiver takes. */
  async test(edit: DestinationEdit): Promise<DestinationTest> {
    const known = this.destinations.find(({ name }) => name === edit.name);
    const same = known !== undefined && hostOf(known.url) === hostOf(edit.url);
    const headers = edit.headers ?? (same ? known.headers : {});
    const startedMs = performance.now();
    const signal = edit.signals[0] ?? 'traces';
    const verdict = await postOtlp(
      { url: edit.url, headers, timeoutMs: edit.timeoutMs },
      { signal, bytes: new Uint8Array(0), encoding: 'identity' },
      { nowMs: this.options.nowMs },
    );
    const message = verdict.kind === 'sent' ? verdict.note : verdict.message;
    return { ok: verdict.kind === 'sent', status: verdict.status, message, ms: performance.now() - startedMs };
  }
  private find(name: string): Destination {
    const destination = this.destinations.find((each) => each.name === name);
    if (!destination) throw new FaultlineError('not_found', `There is no destination "${name}".`);
    return destination;
  }
  private async write(change: (file: ForwardFile) => ForwardFile): Promise<void> {
    const { dataDir } = this.options.settings;
    const done = this.writing.then(async () => {
      const next = change(this.file);
      await writeForwardFile(dataDir, next);
      this.file = next;
    });
    this.writing = done.catch(() => undefined);
    await done.catch((cause: Error) => {
      throw new FaultlineError('data_dir_not_writable', `The destinations cannot be saved: ${cause.message}`, { cause });
    });
    this.options.send({ type: 'forwarding-changed', active: this.destinations.length > 0 });
  }
}
const revisionOf = ({ control }: ForwardFile, name: string): number => control[name]?.revision ?? 0;
const hostOf = (url: string): string => new URL(url).origin;
function unknownStatus(name: string): DestinationStatus {
  const { counters, deadLetters } = newForwardState();
  const queue = { requests: 0, items: 0, bytes: 0, oldestMs: null };
  return { name, state: 'starting', error: '', retryAtMs: null, queue, counters, deadLetters };
}

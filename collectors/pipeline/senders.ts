import type { SenderStatus } from '#contracts/processes.ts';

/**
 * Who sends: the address of the other side and the service its bodies speak of, or the protocol until one did. A fair share of
 * memory and turns is given to senders, not to requests or connections, of which one sender may have any number.
 */
export class Sender {
  readonly key: string;
  readonly address: string;
  readonly name: string;
  /** Of the memory for bodies. */
  heldBytes = 0;
  requests = 0;
  bytes = 0;
  refused = 0;
  lastUnixMs = 0;
  /** It was silent and made room for another. */
  isForgotten = false;

  constructor(address: string, name: string) {
    this.key = `${address} ${name}`;
    this.address = address;
    this.name = name;
  }
}
/** What is remembered of a connection. */
export interface SenderConnection {
  sender: Sender;
  /** Whose the first bytes of a body are, which tell the service: connections that never say anything must not keep others from it. */
  readonly newcomers: Sender;
  /** The service its last body spoke of; '' = none yet. A relay that sends for many is as many senders. */
  service: string;
  /** Nothing it sent was taken in yet, and no service is known. */
  isNew: boolean;
}
const MAX_SENDERS = 1_024;
/** Names are the senders' own: one that makes up a new one for each request gets no more shares than this. */
const MAX_NAMES = 64;
const MAX_NAME_CHARS = 128;
const OTHERS = 'others';
const NEWCOMERS = 'newcomers';
/** Told of. */
const MAX_TOLD = 100;

export class Senders {
  private readonly all = new Map<string, Sender>();
  private readonly namesAt = new Map<string, number>();
  private readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }
  /** @param source the protocol, "otlp-http" */
  connection(address: string, source: string): SenderConnection {
    return { sender: this.find(address, source), newcomers: this.find(address, NEWCOMERS), service: '', isNew: true };
  }
  /** A body of the connection speaks of this service. */
  learn(connection: SenderConnection, service: string): void {
    if (service === '' || connection.service === service) return;
    connection.service = service;
    connection.isNew = false;
    connection.sender = this.find(connection.sender.address, service);
  }
  accepted(connection: SenderConnection, bytes: number): void {
    const sender = this.remembered(connection);
    connection.isNew = false;
    sender.requests++;
    sender.bytes += bytes;
    sender.lastUnixMs = this.nowMs();
  }
  refused(connection: SenderConnection): void {
    const sender = this.remembered(connection);
    sender.refused++;
    sender.lastUnixMs = this.nowMs();
  }
  private remembered(connection: SenderConnection): Sender {
    const { isForgotten, address, name } = connection.sender;
    if (isForgotten) connection.sender = this.find(address, name);
    return connection.sender;
  }
  /** Those with most bytes first. */
  statuses(): SenderStatus[] {
    return [...this.all.values()]
      .filter(({ lastUnixMs }) => lastUnixMs > 0)
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, MAX_TOLD)
      .map(({ address, name, requests, bytes, refused, heldBytes, lastUnixMs }) => ({
        ...{ address, name, requests, bytes, refused, heldBytes, lastUnixMs },
      }));
  }
  private find(address: string, name: string): Sender {
    const shown = name.length > MAX_NAME_CHARS ? name.slice(0, MAX_NAME_CHARS) : name;
    const key = `${address} ${shown}`;
    const known = this.all.get(key);
    if (known) return known;
    const names = this.namesAt.get(address) ?? 0;
    if (shown !== OTHERS && (names >= MAX_NAMES || (this.all.size >= MAX_SENDERS && !this.forget()))) return this.find('', OTHERS);
    const sender = new Sender(address, shown);
    this.all.set(key, sender);
    this.namesAt.set(address, names + 1);
    return sender;
  }
  /** Makes room by the one that has been silent for longest. @returns false when all of them hold memory */
  private forget(): boolean {
    let oldest: Sender | null = null;
    for (const sender of this.all.values())
      if (sender.heldBytes === 0 && sender.name !== OTHERS && (oldest === null || sender.lastUnixMs < oldest.lastUnixMs)) oldest = sender;
    if (!oldest) return false;
    this.all.delete(oldest.key);
    oldest.isForgotten = true;
    const left = (this.namesAt.get(oldest.address) ?? 1) - 1;
    if (left > 0) this.namesAt.set(oldest.address, left);
    else this.namesAt.delete(oldest.address);
    return true;
  }
}

import type { Socket } from 'node:net';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { MemoryBudget, Reservation, Share } from '#collectors/pipeline/memory-budget.ts';
import { MessageFraming } from './message-framing.ts';

export interface StreamOptions {
  /** Of one message. */
  readonly maxBytes: number;
  readonly budget: MemoryBudget;
  /** Of the budget, for messages of all connections that are not whole, or found no room. */
  readonly share: Share;
  readonly account: SourceAccount;
  /** @returns false when there is no room: the message was not taken */
  readonly add: (bytes: Buffer, peer: string) => boolean;
  readonly whenRoom: (listener: () => void) => void;
  readonly tooLarge: (bytes: number) => void;
  /** Lines only. */
  readonly linesOnly?: boolean;
  /** Half a message must become a whole one within this. */
  readonly patienceMs?: number;
}
const PATIENCE_MS = 60_000;

/**
 * One connection that sends messages and is never answered. While there is no room it is not read: then the sender's own
 * queue fills, not ours, and nothing is lost.
 */
export class MessageStream {
  private readonly socket: Socket;
  private readonly options: StreamOptions;
  private readonly framing: MessageFraming;
  private readonly peer: string;
  private readonly held: Reservation;
  /** Whole messages of the chunk read last that found no room. */
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private timer: NodeJS.Timeout | null = null;
  private ended = false;

  constructor(socket: Socket, options: StreamOptions) {
    this.socket = socket;
    this.options = options;
    this.peer = socket.remoteAddress ?? '';
    this.held = options.budget.reserve(0, options.share) as Reservation;
    const message = (bytes: Buffer): void => {
      this.pending.push(bytes);
      this.pendingBytes += bytes.length;
    };
    this.framing = new MessageFraming(options.maxBytes, { message, tooLarge: options.tooLarge }, options.linesOnly !== true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('end', () => this.finish());
    socket.on('close', () => this.finish());
  }
  /** What came whole is taken in; called when the other side ends, and before we do. */
  finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.stopTimer();
    const lost = this.framing.end();
    if (lost > 0) this.options.account.refuse('malformed', `${this.peer} ended in the middle of a message.`);
    this.pass();
    this.socket.end();
  }

  private take(chunk: Buffer): void {
    this.framing.feed(chunk);
    const progress = this.pending.length > 0;
    this.pass();
    if (!this.ended) this.watch(progress);
  }
  private pass(): void {
    const { add } = this.options;
    let taken = 0;
    for (; taken < this.pending.length; taken++) {
      const bytes = this.pending[taken] as Buffer;
      if (!add(bytes, this.peer)) break;
      this.pendingBytes -= bytes.length;
    }
    this.pending.splice(0, taken);
    if (this.pending.length > 0) this.pauseUntil(() => this.pass());
    else if (this.ended) this.held.free();
    else {
      this.socket.resume();
      this.giveTime();
    }
  }
  private pauseUntil(goOn: () => void): void {
    this.socket.pause();
    // Now it is we who are slow.
    this.stopTimer();
    this.options.whenRoom(goOn);
  }
  /** What is not whole, or found no room, takes memory: it is counted; and half a message has its time. */
  private watch(progress: boolean): void {
    const { framing, held } = this;
    const bytes = framing.heldBytes + this.pendingBytes;
    if (bytes < held.bytes) held.shrink(held.bytes - bytes);
    else if (!held.grow(bytes - held.bytes) && this.pending.length === 0) this.pauseUntil(() => this.pass());
    if (progress || !framing.isInside) this.stopTimer();
    if (!this.socket.isPaused()) this.giveTime();
  }
  private giveTime(): void {
    if (this.framing.isInside) this.timer ??= setTimeout(() => this.giveUp(), this.options.patienceMs ?? PATIENCE_MS);
  }
  private stopTimer(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }
  private giveUp(): void {
    this.options.account.refuse('too_slow', `A message did not become whole; the connection of ${this.peer} was ended.`);
    this.framing.discard();
    this.socket.destroy();
  }
}

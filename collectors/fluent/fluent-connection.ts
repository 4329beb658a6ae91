import type { Socket } from 'node:net';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { Refusal, refusalAnswer } from '#collectors/otlp/receiver-refusal.ts';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { MemoryBudget, Reservation, Share } from '#collectors/pipeline/memory-budget.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import { MsgpackScan } from './msgpack.ts';
import { type ForwardMessage, readMessage } from './read-message.ts';
import { acknowledgement, Handshake } from './shared-key.ts';

export interface ConnectionOptions {
  /** Of one message as sent. */
  readonly maxBytes: number;
  readonly budget: MemoryBudget;
  /** Of the budget, for messages of all connections that are not whole. */
  readonly share: Share;
  readonly account: SourceAccount;
  readonly sharedKey: string | null;
  readonly hostname: string;
  /** Journals a message that asks for an acknowledgement. @throws Refusal */
  readonly store: (message: ForwardMessage) => Promise<void>;
  /** For one that asks for none. @returns false when there is no room: it was not taken */
  readonly add: (message: ForwardMessage) => boolean;
  readonly whenRoom: (listener: () => void) => void;
  readonly log: (line: string) => void;
  readonly patience?: Patience;
}
export interface Patience {
  /** Half a message must become a whole one within this ... */
  readonly messageMs: number;
  /** ... and a sender show the shared key within this. */
  readonly handshakeMs: number;
}
const PATIENCE: Patience = { messageMs: 60_000, handshakeMs: 10_000 };
/** Messages of a connection between their arrival and their acknowledgement: one fdatasync serves many. */
const MAX_UNDER_WAY = 32;
/** Acknowledgements nobody reads. */
const MAX_UNREAD_BYTES = 64 * 1024;
const FIRST_BYTES = 4_096;
const MAX_PING_BYTES = 4_096;
const END_MS = 1_000;

/** One sender. What cannot be taken in is never acknowledged: the connection ends, and the sender keeps its chunk. */
export class FluentConnection {
  private readonly socket: Socket;
  private readonly options: ConnectionOptions;
  private readonly peer: string;
  private readonly reserved: Reservation;
  private readonly handshake: Handshake | null;
  private greeted: boolean;
  private held: Buffer = Buffer.alloc(0);
  private heldLength = 0;
  private scan = new MsgpackScan();
  /** Not acknowledged yet, or found no room yet. */
  private underWay = 0;
  private waiting: ForwardMessage[] = [];
  private timer: NodeJS.Timeout | null = null;
  private asked = false;
  private ended = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket;
    this.options = options;
    this.peer = socket.remoteAddress ?? '';
    this.reserved = options.budget.reserve(0, options.share) as Reservation;
    this.handshake = options.sharedKey === null ? null : new Handshake(options.sharedKey, options.hostname);
    this.greeted = this.handshake === null;
    if (this.handshake) {
      socket.write(this.handshake.helo);
      this.waitFor((options.patience ?? PATIENCE).handshakeMs, 'The sender did not show the shared key');
    }
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('close', () => this.gone());
  }
  /** Takes no more; what is under way is still acknowledged. */
  finish(): void {
    this.gone();
    this.socket.pause();
    if (this.underWay === 0) this.endSoon();
  }

  /** What was written should arrive; whoever does not end its side is not waited for. */
  private endSoon(): void {
    this.socket.end();
    setTimeout(() => this.socket.destroy(), END_MS).unref();
  }
  private gone(): void {
    if (this.ended) return;
    this.ended = true;
    this.stopTimer();
    if (this.heldLength > 0 && this.greeted && !this.options.account.stopped)
      this.options.account.refuse('malformed', `${this.peer} ended in the middle of a message.`);
    this.heldLength = 0;
    this.held = Buffer.alloc(0);
    this.reserved.free();
  }
  private take(chunk: Buffer): void {
    if (this.ended) return;
    try {
      this.keep(chunk);
      let at = 0;
      while (!this.ended && at < this.heldLength && this.scanned(at)) {
        this.message(this.held.subarray(at, this.scan.end));
        at = this.scan.end;
        this.scan = new MsgpackScan();
        this.scan.end = at;
      }
      if (!this.ended) this.settle(at);
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      this.refuse(error.reason, `From ${this.peer}: ${error.message}.`);
    }
  }
  /** @param start of the message @returns true when it is whole */
  private scanned(start: number): boolean {
    const maxBytes = this.greeted ? this.options.maxBytes : MAX_PING_BYTES;
    const first = this.held[start] as number;
    // Everything the protocol sends is an array, or nil: anything else would be looked through for an end it does not have.
    if (this.scan.end === start && first !== 0xc0 && (first & 0xf0) !== 0x90 && first !== 0xdc && first !== 0xdd)
      throw new OtlpError('malformed', `a message begins with byte 0x${first.toString(16)}: this is not Fluent Forward`);
    const whole = this.scan.advance(this.held, this.heldLength);
    const bytes = this.scan.leastBytes - start;
    if (bytes > maxBytes) {
      this.refuse('message_too_large', `A message of ${this.peer} has ${bytes} bytes or more, the limit is ${maxBytes}.`);
      return false;
    }
    return whole;
  }
  private message(bytes: Buffer): void {
    if (!this.greeted) {
      const { ok, pong } = (this.handshake as Handshake).answer(bytes);
      this.socket.write(pong);
      if (!ok) {
        this.refuse('not_authenticated', `${this.peer} has another shared key.`);
        return;
      }
      this.greeted = true;
      this.stopTimer();
      return;
    }
    // The bytes are lent from a buffer that goes on being filled.
    const message = readMessage(Buffer.from(bytes));
    if (message === null) return;
    if (message.chunk) void this.storeAndAnswer(message, message.chunk);
    else if (this.waiting.length > 0 || !this.options.add(message)) this.waiting.push(message);
  }
  private async storeAndAnswer(message: ForwardMessage, chunk: Buffer): Promise<void> {
    const reservation = this.options.budget.reserve(message.entries.length);
    this.underWay++;
    try {
      if (!reservation) throw new Refusal('backpressure');
      await this.options.store(message);
      if (this.socket.writable) this.socket.write(acknowledgement(chunk));
      if (this.socket.writableLength > MAX_UNREAD_BYTES) this.refuse('too_slow', `${this.peer} does not read acknowledgements.`);
    } catch (error) {
      if (!(error instanceof Refusal)) this.options.log(`BUG: Fluent Forward: ${(error as Error)?.stack ?? error}`);
      const refusal = error instanceof Refusal ? error : new Refusal('journal_failed', 'The message failed inside');
      this.refuse(refusal.reason, refusal.sentence, refusalAnswer(refusal.reason).retrySeconds > 0);
    } finally {
      reservation?.free();
      this.underWay--;
      if (this.ended && this.underWay === 0) this.endSoon();
      else if (!this.ended) this.goOn();
    }
  }

  /** @param at bytes of `held` that are done with */
  private settle(at: number): void {
    const left = this.heldLength - at;
    if (at > 0) {
      // What a large message needed is not kept for the next one.
      this.held = left === 0 ? Buffer.alloc(0) : Buffer.from(this.held.subarray(at, this.heldLength));
      this.heldLength = left;
      this.scan.end -= at;
      if (this.greeted) this.stopTimer();
    }
    this.giveTime();
    const bytes = this.held.length + this.waiting.reduce((sum, { entries }) => sum + entries.length, 0);
    let hasMemory = true;
    if (bytes < this.reserved.bytes) this.reserved.shrink(this.reserved.bytes - bytes);
    else hasMemory = this.reserved.grow(bytes - this.reserved.bytes);
    if (!hasMemory || this.waiting.length > 0 || this.underWay >= MAX_UNDER_WAY) {
      this.socket.pause();
      // Now it is we who are slow.
      if (this.greeted) this.stopTimer();
      if (!hasMemory || this.waiting.length > 0) this.askForRoom();
    }
  }
  private askForRoom(): void {
    if (this.asked) return;
    this.asked = true;
    this.options.whenRoom(() => {
      this.asked = false;
      this.goOn();
    });
  }
  private goOn(): void {
    while (this.waiting.length > 0 && this.options.add(this.waiting[0] as ForwardMessage)) this.waiting.shift();
    if (this.waiting.length > 0) this.askForRoom();
    else if (!this.ended && this.underWay < MAX_UNDER_WAY) {
      this.socket.resume();
      this.giveTime();
    }
  }
  private giveTime(): void {
    if (this.heldLength > 0 && this.greeted) this.waitFor((this.options.patience ?? PATIENCE).messageMs, 'A message did not become whole');
  }
  private keep(bytes: Buffer): void {
    const needed = this.heldLength + bytes.length;
    if (needed > this.held.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.held.length * 2));
      this.held.copy(wider, 0, 0, this.heldLength);
      this.held = wider;
    }
    bytes.copy(this.held, this.heldLength);
    this.heldLength = needed;
  }
  private waitFor(ms: number, what: string): void {
    this.timer ??= setTimeout(() => this.refuse('too_slow', `${what}; the connection of ${this.peer} was ended.`), ms);
  }
  private stopTimer(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }
  /** @param again the sender may come again with the same: nothing is lost */
  private refuse(reason: ReasonCode, sentence: string, again = false): void {
    this.options.account.refuse(reason, sentence);
    this.heldLength = 0;
    this.gone();
    if (again || reason === 'not_authenticated') this.endSoon();
    else this.socket.destroy();
  }
}

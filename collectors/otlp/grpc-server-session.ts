import { constants, type ServerHttp2Session } from 'node:http2';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { SenderConnection, Senders } from '#collectors/pipeline/senders.ts';
import { Refusal } from './receiver-refusal.ts';

/**
 * Frames that cost work and carry nothing: cancelled calls (CVE-2023-44487), pings, settings. nghttp2 has a bucket of its
 * own for resets (1,000, and 33 a second) and ends the connection with "Protocol error"; this one is smaller, so that
 * whoever is first, the flood is counted as one.
 */
const MAX_NOISE = 500;
const NOISE_DRAIN_PER_TICK = 33;
/** grpc-go measures the line with a ping for each answer: a call that was accepted makes room for a few. */
const NOISE_PER_CALL = 4;
const FLOOD_CODES = /FLOOD|TOO_MANY|ENHANCE_YOUR_CALM|Flooding|[Tt]oo many/;
/** The other side went away, with a GOAWAY of its own or without: nothing to complain about. */
const GONE = /^(?:ECONNRESET|EPIPE|ECONNABORTED|ETIMEDOUT|ERR_HTTP2_SESSION_ERROR)$/;

/** In ticks of a second. */
export interface GrpcPatience {
  /** A request must be there, and its answer taken, within this; as for OTLP/HTTP. */
  readonly callTicks: number;
  /** A ping so often ... */
  readonly pingEveryTicks: number;
  /** ... answered within this: else the other side is gone. */
  readonly pingWaitTicks: number;
  readonly tickMs: number;
}
export const PATIENCE: GrpcPatience = { callTicks: 60, pingEveryTicks: 60, pingWaitTicks: 20, tickMs: 1_000 };

/** Watches one connection: is the other side still there, and does it do anything but make noise? */
export class GrpcSession {
  readonly http2: ServerHttp2Session;
  /** Whose share its calls take. */
  readonly connection: SenderConnection;
  private readonly account: SourceAccount;
  private readonly patience: GrpcPatience;
  private noise = 0;
  private flooded = false;
  private ticks = 0;
  private pingTicks = 0;

  constructor(http2: ServerHttp2Session, account: SourceAccount, senders: Senders, patience: GrpcPatience) {
    this.http2 = http2;
    this.connection = senders.connection(http2.socket?.remoteAddress ?? '', account.source);
    this.account = account;
    this.patience = patience;
    http2.on('error', (error) => this.failed(error));
    http2.on('ping', () => this.heardNoise());
    http2.on('remoteSettings', () => this.heardNoise());
  }
  /** Once a second. */
  tick(): void {
    this.noise = Math.max(0, this.noise - NOISE_DRAIN_PER_TICK);
    this.ticks++;
    const { pingEveryTicks, pingWaitTicks } = this.patience;
    if (this.pingTicks > 0 && this.ticks - this.pingTicks > pingWaitTicks) this.http2.destroy();
    else if (this.pingTicks === 0 && this.ticks % pingEveryTicks === 0) this.ping();
  }
  private ping(): void {
    if (this.http2.destroyed || this.http2.closed) return;
    this.pingTicks = this.ticks;
    this.http2.ping((error) => {
      if (!error) this.pingTicks = 0;
    });
  }
  /** A frame that carries nothing, or a call that was taken back. */
  heardNoise(): void {
    if (++this.noise <= MAX_NOISE || this.flooded) return;
    this.flooded = true;
    this.account.refuse('http2_flood', new Refusal('http2_flood').sentence);
    this.http2.destroy(new Error('flood'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
  acceptedCall(): void {
    this.noise = Math.max(0, this.noise - NOISE_PER_CALL);
  }
  /** nghttp2 or Node gave the connection up; destroy() with our own code ends here too. */
  private failed(error: NodeJS.ErrnoException): void {
    const { code = '', message } = error;
    if (GONE.test(code) || this.flooded) return;
    const flood = FLOOD_CODES.test(code) || FLOOD_CODES.test(message);
    const refusal = flood
      ? new Refusal('http2_flood')
      : new Refusal('malformed', `A connection broke the rules of HTTP/2: ${message}`, 'Check what connects to this port.');
    this.account.refuse(refusal.reason, refusal.sentence);
  }
}

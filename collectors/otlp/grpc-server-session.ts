import { constants, type ServerHttp2Session } from 'node:http2';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { Refusal } from './receiver-refusal.ts';

/** Ticks are seconds. A ping a minute, answered within twenty seconds: else the other side is gone. */
const PING_EVERY_TICKS = 60;
const PING_WAIT_TICKS = 20;
/**
 * Frames that cost work and carry nothing: cancelled calls (CVE-2023-44487), pings, settings. A bucket of a size below
 * what nghttp2 allows for resets (1,000, and 33 a second), so that we see and count what it would cut off unseen.
 */
const MAX_NOISE = 900;
const NOISE_DRAIN_PER_TICK = 33;
/** grpc-go measures the line with a ping for each answer: a call that was accepted makes room for a few. */
const NOISE_PER_CALL = 4;
const FLOOD_CODES = /FLOOD|TOO_MANY|ENHANCE_YOUR_CALM|Flooding|[Tt]oo many/;
/** The other side went away: nothing to complain about. */
const GONE = /^(?:ECONNRESET|EPIPE|ECONNABORTED|ETIMEDOUT)$/;

/** Watches one connection: is the other side still there, and does it do anything but make noise? */
export class GrpcSession {
  readonly http2: ServerHttp2Session;
  private readonly account: SourceAccount;
  private noise = 0;
  private ticks = 0;
  private pingTicks = 0;

  constructor(http2: ServerHttp2Session, account: SourceAccount) {
    this.http2 = http2;
    this.account = account;
    http2.on('error', (error) => this.failed(error));
    http2.on('ping', () => this.heardNoise());
    http2.on('remoteSettings', () => this.heardNoise());
  }
  /** Once a second. */
  tick(): void {
    this.noise = Math.max(0, this.noise - NOISE_DRAIN_PER_TICK);
    this.ticks++;
    if (this.pingTicks > 0 && this.ticks - this.pingTicks > PING_WAIT_TICKS) this.http2.destroy();
    else if (this.pingTicks === 0 && this.ticks % PING_EVERY_TICKS === 0) this.ping();
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
    if (++this.noise <= MAX_NOISE || this.http2.destroyed) return;
    this.account.refuse('http2_flood', new Refusal('http2_flood').sentence);
    this.http2.destroy(new Error('flood'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
  acceptedCall(): void {
    this.noise = Math.max(0, this.noise - NOISE_PER_CALL);
  }
  /** nghttp2 or Node gave the connection up; destroy() with our own code ends here too. */
  private failed(error: NodeJS.ErrnoException): void {
    const { code = '', message } = error;
    if (GONE.test(code) || this.noise > MAX_NOISE) return;
    const flood = FLOOD_CODES.test(code) || FLOOD_CODES.test(message);
    const refusal = flood
      ? new Refusal('http2_flood')
      : new Refusal('malformed', `A connection broke the rules of HTTP/2: ${message}`, 'Check what connects to this port.');
    this.account.refuse(refusal.reason, refusal.sentence);
  }
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { MsgpackReader } from './msgpack.ts';

/** Handshake of Fluent Forward v1: HELO (our nonce), PING (the sender's proof), PONG (ours). User names are not asked for. */
const digest = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};
/** The few formats a handshake and an acknowledgement need. */
const array = (...values: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from([0x90 + values.length]), ...values]);
const map = (...pairs: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from([0x80 + pairs.length / 2]), ...pairs]);
const truth = (value: boolean): Buffer => Buffer.from([value ? 0xc3 : 0xc2]);
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(3);
  head[0] = 0xda;
  head.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
const bytes = (value: Buffer): Buffer => Buffer.concat([Buffer.from([0xc4, value.length]), value]);

/** @param chunk as the sender wrote it */
export const acknowledgement = (chunk: Buffer): Buffer => map(text('ack'), chunk);

export class Handshake {
  private readonly key: string;
  private readonly hostname: string;
  private readonly nonce = randomBytes(16);

  constructor(key: string, hostname: string) {
    this.key = key;
    this.hostname = hostname;
  }
  get helo(): Buffer {
    return array(text('HELO'), map(text('nonce'), bytes(this.nonce), text('auth'), text(''), text('keepalive'), truth(true)));
  }
  /** @param message the sender's PING @throws OtlpError malformed when it is none */
  answer(message: Buffer): { readonly ok: boolean; readonly pong: Buffer } {
    const reader = new MsgpackReader(message, { maxDepth: 2, maxValues: 10 });
    if (reader.peek() !== 'array' || reader.count('array') !== 6 || reader.text() !== 'PING')
      throw new OtlpError('malformed', 'a shared key is set here, and the sender did not answer HELO with PING');
    const [hostname, salt, proof] = [reader.raw(), reader.raw(), reader.raw()];
    const wanted = Buffer.from(digest(salt, hostname, this.nonce, this.key));
    const ok = proof.length === wanted.length && timingSafeEqual(proof, wanted);
    const own = ok ? digest(salt, this.hostname, this.nonce, this.key) : '';
    return { ok, pong: array(text('PONG'), truth(ok), text(ok ? '' : 'shared_key mismatch'), text(this.hostname), text(own)) };
  }
}

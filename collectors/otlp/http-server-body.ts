import type { IncomingMessage } from 'node:http';
import { type Body, BodyBuffer, type BodyOptions } from './receiver-body.ts';
import { Refusal } from './receiver-refusal.ts';

/** The sender went away before its body was whole. */
export class SenderGone extends Error {}

/** @returns declared length, null when the body is chunked */
export function declaredLength(request: IncomingMessage): number | null {
  const header = request.headers['content-length'];
  return header === undefined ? null : Number(header);
}

/**
 * Frees what Node's parser copied a piece of the body into, without waiting for the collector of garbage: the pieces are
 * few objects but much memory beside the heap, which made V8 mark the whole heap every 40 MB received, a third of the CPU of
 * a request. Only memory that holds nothing but the piece.
 */
function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Collects the body. @throws Refusal body_too_large, backpressure; SenderGone */
export async function readBody(request: IncomingMessage, options: BodyOptions): Promise<Body> {
  const declared = declaredLength(request);
  const { maxBytes } = options;
  if (declared !== null && declared > maxBytes)
    throw new Refusal('body_too_large', `The body has ${declared} bytes, the limit is ${maxBytes}`);
  const body = new BodyBuffer(options, declared);
  if (!body.hasMemory) throw new Refusal(options.budget.denial);
  await collect(request, body);
  return body;
}
function collect(request: IncomingMessage, body: BodyBuffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      request.removeListener('data', take);
      body.free();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      const refusal = body.add(chunk);
      if (refusal) fail(refusal);
      else giveBack(chunk);
    };
    request.on('data', take);
    request.once('end', resolve);
    request.once('error', () => fail(new SenderGone()));
    request.once('close', () => {
      if (!request.complete) fail(new SenderGone());
    });
  });
}

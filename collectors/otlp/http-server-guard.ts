import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Address } from '#contracts/settings.ts';
import { Refusal } from './receiver-refusal.ts';

/** 127.0.0.0/8, ::1 and localhost: what only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || bare === '::ffff:127.0.0.1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}
function hostNameOf(hostHeader: string): string {
  return hostHeader.startsWith('[') ? hostHeader.slice(0, hostHeader.indexOf(']') + 1) : (hostHeader.split(':')[0] as string);
}
/** Is this the origin of a page served by this machine itself (the console, whatever port it got)? */
export function isLoopbackOrigin(origin: string): boolean {
  try {
    const { protocol, hostname } = new URL(origin);
    return protocol === 'http:' && isLoopback(hostname);
  } catch {
    return false;
  }
}

/**
 * Against DNS rebinding: a page that made its own name point here still sends that name. Only while bound to loopback;
 * elsewhere the names people use are not known.
 * @throws Refusal forbidden_host
 */
export function checkHost(request: IncomingMessage, bound: Address): void {
  const { host } = request.headers;
  if (host === undefined || !isLoopback(bound.host) || isLoopback(hostNameOf(host))) return;
  throw new Refusal('forbidden_host', `The host "${host.slice(0, 200)}" is not one of this receiver's names`);
}
/**
 * Browsers say where a page comes from; programs say nothing. Exact match, no wildcard.
 * @returns headers for the answer
 * @throws Refusal forbidden_origin
 */
export function checkOrigin(request: IncomingMessage, allowed: readonly string[]): Record<string, string> {
  const { origin } = request.headers;
  if (origin === undefined) return {};
  if (!allowed.includes(origin)) throw new Refusal('forbidden_origin', `Pages of ${origin.slice(0, 200)} may not send telemetry here`);
  return { 'access-control-allow-origin': origin, vary: 'Origin' };
}
/** Answer to a preflight that checkOrigin let through. */
export function preflightHeaders(request: IncomingMessage, methods: string): Record<string, string> {
  const asked = request.headers['access-control-request-headers'];
  // Echoed only when it is a plain list of names: it lands in a header again.
  const headers = asked !== undefined && /^[\w\-, ]{1,500}$/.test(asked) ? asked : 'content-type, content-encoding';
  return { 'access-control-allow-methods': methods, 'access-control-allow-headers': headers, 'access-control-max-age': '7200' };
}

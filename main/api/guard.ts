import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { FaultlineError } from '#contracts/errors.ts';
import type { Settings } from '#contracts/settings.ts';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]', '::1'];
const COOKIE_SECONDS = 30 * 86_400;
/** The page of the desktop shell. */
const SHELL_ORIGIN = 'app://faultline';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
/** What the cookie holds: proof of the token, not the token. */
const sessionOf = (token: string): string => createHash('sha256').update(`faultline console session ${token}`).digest('base64url');

const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase();

/** Who may talk to the console: by Host (against DNS rebinding), then by Origin, then by token or cookie. */
export class Guard {
  private readonly settings: Settings;
  private readonly hosts: ReadonlySet<string>;

  constructor(settings: Settings) {
    this.settings = settings;
    this.hosts = new Set([...LOOPBACK, settings.api.host.toLowerCase()]);
  }
  /** For every request. */
  readonly sameHost: MiddlewareHandler = async (c, next) => {
    const host = c.req.header('host') ?? '';
    if (!this.hosts.has(hostName(host)))
      throw new FaultlineError('forbidden', `The Host "${host.slice(0, 100)}" is not on the allow-list.`);
    const origin = c.req.header('origin');
    if (origin !== undefined && origin !== `http://${host}` && origin !== SHELL_ORIGIN) {
      throw new FaultlineError('forbidden', `A page of ${origin.slice(0, 100)} may not talk to the console.`);
    }
    await next();
  };
  /** For /console: the token as bearer, or the session cookie. */
  readonly signedIn: MiddlewareHandler = async (c, next) => {
    if (!this.hasBearer(c) && !this.hasSession(c)) throw new FaultlineError('unauthorized', 'The token is missing or wrong.');
    await next();
  };
  isToken(token: string): boolean {
    return same(token, this.settings.token);
  }
  startSession(c: Context): void {
    const options = { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: COOKIE_SECONDS } as const;
    setCookie(c, this.cookieName(c), sessionOf(this.settings.token), options);
  }
  private hasBearer(c: Context): boolean {
    const [, scheme = '', said = ''] = /^(Bearer|Basic)\s+(\S+)\s*$/i.exec(c.req.header('authorization') ?? '') ?? [];
    // As the password of any user: what older clients can send (promtool 2, some data sources).
    const token =
      scheme.toLowerCase() === 'basic'
        ? Buffer.from(said, 'base64')
            .toString()
            .replace(/^[^:]*:/, '')
        : said;
    return token !== '' && this.isToken(token);
  }
  private hasSession(c: Context): boolean {
    const cookie = getCookie(c, this.cookieName(c));
    return cookie !== undefined && same(cookie, sessionOf(this.settings.token));
  }
  /** Cookies ignore ports: two consoles on one machine must not sign each other out. */
  private cookieName(c: Context): string {
    const port = /:(\d+)$/.exec(c.req.header('host') ?? '')?.[1] ?? '80';
    return `faultline_${port}`;
  }
}

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { FaultlineProcess } from '../app/faultline-process.ts';

const root = resolve(import.meta.dirname, '../..');
const CANDIDATES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
export const chromiumPath = CANDIDATES.find((path) => path !== undefined && existsSync(path));
/** Why the browser tests do not run here; null when they do. */
export const cannotRun: string | null =
  chromiumPath === undefined
    ? 'no Chromium found (set CHROMIUM, or apt-get install chromium)'
    : existsSync(join(root, 'out/renderer/index.html'))
      ? null
      : 'the console page is not built (npm run build)';

let shared: Promise<Browser> | undefined;
/** One browser for all files of this process, since a start takes a second of a processor; it ends with the process. */
export function launch(): Promise<Browser> {
  shared ??= start();
  return shared;
}
async function start(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: chromiumPath as string,
    // Drawing without a GPU needs no process of its own.
    args: ['--no-sandbox', '--disable-gpu', '--in-process-gpu', '--disable-background-networking', '--disable-component-update'],
  });
  browser.once('disconnected', () => {
    shared = undefined;
  });
  return browser;
}

export interface ConsolePage {
  readonly page: Page;
  /** Uncaught errors, console errors, and requests to anything but the console and its collector. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}
export interface ConsoleOptions {
  readonly path?: string;
  readonly locale?: 'en' | 'zh';
  readonly theme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
}
interface Idle {
  readonly context: BrowserContext;
  readonly page: Page;
}
/** Pages nobody looks at. A new renderer for each look costs more than all that is done in it: they are used again, wiped. */
const idle = new WeakMap<Browser, Idle[]>();
/** Part of the console without a script: a browser stands on it and does nothing. */
const STILL = '/icon.svg';

/** A signed-in page as nobody has used it: nothing stored, no state but the address. Everything the browser complains about is collected. */
export async function openConsole(browser: Browser, faultline: FaultlineProcess, options: ConsoleOptions = {}): Promise<ConsolePage> {
  const { path = '/', locale = 'en', theme = 'dark', width = 1280, height = 800 } = options;
  const used = idle.get(browser)?.pop();
  const context = used?.context ?? (await browser.newContext({ reducedMotion: 'reduce' }));
  const page = used?.page ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  await page.setViewportSize({ width, height });
  await page.mouse.move(0, 0);
  await context.clearCookies();
  await page.goto(faultline.api + STILL);
  await page.evaluate(
    ([look, language]) => {
      localStorage.clear();
      sessionStorage.clear();
      localStorage.setItem('faultline.theme', look as string);
      localStorage.setItem('PARAGLIDE_LOCALE', language as string);
    },
    [theme, locale],
  );
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    const { url } = message.location();
    // Asked for once by the browser, of its own accord, for what has no page that names an icon.
    if (message.type() === 'error' && url !== `${faultline.api}/favicon.ico`) problems.push(`${message.text()} ${url}`);
  });
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== faultline.api && origin !== faultline.ingest) problems.push(`asked ${request.url()}`);
  });
  // The browser's own way in, or its cookie without loading a page that is left at once.
  if (path === '/') await page.goto(`${faultline.api}/?token=${faultline.token}`);
  else {
    await context.request.get(`${faultline.api}/?token=${faultline.token}`, { maxRedirects: 0 });
    await page.goto(faultline.api + path);
  }
  return { page, problems, close: () => putAside(browser, { context, page }, faultline.api) };
}
/** Another look in place, as a person changes it: a page loaded for each look was most of the time of its test. */
export async function changeTheme(page: Page, theme: 'dark' | 'light'): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('theme');
  await page.keyboard.press('Enter');
  await page.locator(`html[data-theme=${theme}]`).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}
async function putAside(browser: Browser, used: Idle, api: string): Promise<void> {
  const { context, page } = used;
  page.removeAllListeners();
  // A page with something unsaved asks before it is left.
  page.once('dialog', (dialog) => void dialog.accept());
  try {
    await page.unrouteAll();
    await page.goto(api + STILL);
  } catch {
    // The engine is away, or the page has crashed.
    return context.close();
  }
  page.removeAllListeners();
  const pages = idle.get(browser) ?? [];
  idle.set(browser, pages);
  pages.push(used);
}

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { FaultlineProcess } from '../app/faultline-process.ts';

const root = resolve(import.meta.dirname, '../..');
const CANDIDATES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const chromiumPath = CANDIDATES.find((path) => path !== undefined && existsSync(path));
/** Why the browser tests do not run here; null when they do. */
export const cannotRun: string | null =
  chromiumPath === undefined
    ? 'no Chromium found (set CHROMIUM, or apt-get install chromium)'
    : existsSync(join(root, 'out/renderer/index.html'))
      ? null
      : 'the console page is not built (npm run build)';

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath as string,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });

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
/** A signed-in page. Everything the browser complains about is collected. */
export async function openConsole(browser: Browser, faultline: FaultlineProcess, options: ConsoleOptions = {}): Promise<ConsolePage> {
  const { path = '/', locale = 'en', theme = 'dark', width = 1280, height = 800 } = options;
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
  await context.addInitScript(
    ([look, language]) => {
      if (localStorage.getItem('faultline.theme') === null) localStorage.setItem('faultline.theme', look as string);
      if (localStorage.getItem('PARAGLIDE_LOCALE') === null) localStorage.setItem('PARAGLIDE_LOCALE', language as string);
    },
    [theme, locale],
  );
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error.stack ?? error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(`${message.text()} ${message.location().url}`));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== faultline.api && origin !== faultline.ingest) problems.push(`asked ${request.url()}`);
  });
  await page.goto(`${faultline.api}/?token=${faultline.token}`);
  if (path !== '/') await page.goto(faultline.api + path);
  return { page, problems, close: () => context.close() };
}

/**
 * Electron's security checklist as data and pure decisions. Numbers refer to the list in Electron's documentation
 * (tutorial/security, 20 items). main/shell/start-shell.ts applies them. Item 19, fuses, is for a packager; there is none yet.
 */
import type { WebPreferences } from 'electron';

/** Items 2, 3, 4, 6, 8, 9, 10: no Node in the page, own world, sandbox, no weakening switches. */
export const WEB_PREFERENCES: Readonly<WebPreferences> = {
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  contextIsolation: true,
  sandbox: true,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  spellcheck: false,
};

const originOf = (url: string): string | null => {
  try {
    return new URL(url).origin;
  } catch {
    return null;
  }
};

/** Items 13 and 14: the window shows the console and nothing else. @param consoleUrl address of the engine's API */
export const mayNavigate = (url: string, consoleUrl: string): boolean => originOf(url) !== null && originOf(url) === originOf(consoleUrl);

/** Item 15: links that leave open in the person's own browser, and only when they are https. Nothing else is launched. */
export function mayOpenExternally(url: string): boolean {
  try {
    const { protocol, username, password } = new URL(url);
    return protocol === 'https:' && username === '' && password === '';
  } catch {
    return false;
  }
}

/** Item 5: the console needs one permission, writing a copied query to the clipboard; the rest is denied. */
export const mayUsePermission = (permission: string, requestingUrl: string, consoleUrl: string): boolean =>
  permission === 'clipboard-sanitized-write' && mayNavigate(requestingUrl, consoleUrl);

/** Item 17: messages count only from the main frame of the console's own page. */
export const mayCall = (frame: { readonly url: string; readonly parent: unknown } | null, consoleUrl: string): boolean =>
  frame !== null && frame.parent === null && mayNavigate(frame.url, consoleUrl);

/** Items 1 and 18: the window loads a console of this machine over loopback HTTP, never a file, never another host. */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username } = new URL(url);
  return protocol === 'http:' && username === '' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}

import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from 'hono';
import { FaultlineError } from '#contracts/errors.ts';
import type { Engine } from '#main/engine/engine.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};
const NOT_BUILT =
  '<!doctype html><title>Faultline</title><p>The console page is not built. Run <code>npm run build</code> and load this page again.</p>';

/** The built page: beside the bundle, or in the source tree's out folder. */
export function pageFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const folders = [path.join(here, '../renderer'), path.join(here, '../../out/renderer')];
  return folders.find((folder) => existsSync(path.join(folder, 'index.html'))) ?? (folders[1] as string);
}

/** What the page may do: its own files and the API; and the collector, to tell when only the engine is away. */
export function contentPolicy(ingestUrl: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    `connect-src 'self' ${ingestUrl}`,
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** GET of anything that is not an API path: a file of the page, or the page itself for its own routes. */
export async function servePage(c: Context, engine: Pick<Engine, 'ingestUrl'>, folder: string): Promise<Response> {
  const wanted = path.normalize(decodePath(c.req.path)).replace(/^[/\\]+/, '');
  // "//console/state" is no path of the page: with the page as its answer a misspelt call of the API would look like a success.
  if (/^console(?:[/\\]|$)/.test(wanted)) throw new FaultlineError('not_found', `There is no ${c.req.method} ${c.req.path}.`);
  const file = path.join(folder, wanted);
  const inside = file === folder || file.startsWith(folder + path.sep);
  const facts = inside && wanted !== '' ? await stat(file).catch(() => null) : null;
  if (facts?.isFile()) return answerFile(c, file, facts.size, facts.mtimeMs, wanted.startsWith('assets/'));
  if (path.extname(wanted) !== '' || !inside) return c.text('Not found', 404);
  c.header('Content-Security-Policy', contentPolicy(engine.ingestUrl));
  const page = path.join(folder, 'index.html');
  const pageFacts = await stat(page).catch(() => null);
  if (!pageFacts) return c.html(NOT_BUILT);
  return answerFile(c, page, pageFacts.size, pageFacts.mtimeMs, false);
}
async function answerFile(c: Context, file: string, sizeBytes: number, changedMs: number, hashed: boolean): Promise<Response> {
  const etag = `"${sizeBytes.toString(36)}-${Math.floor(changedMs).toString(36)}"`;
  c.header('ETag', etag);
  // Names under assets/ hold a hash of what is in them; anything else is asked for again.
  c.header('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (c.req.header('if-none-match') === etag) return c.body(null, 304);
  c.header('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream');
  return c.body(await readFile(file));
}
function decodePath(urlPath: string): string {
  try {
    return decodeURIComponent(urlPath).replaceAll('\0', '');
  } catch {
    return '/';
  }
}

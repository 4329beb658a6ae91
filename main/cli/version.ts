import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Root of the installation: the folder with package.json above this file, bundled (out/node) or not. */
export function installationRoot(from = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder;
  }
}
/** "0.1.0", from package.json. */
export function version(): string {
  return (JSON.parse(readFileSync(join(installationRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

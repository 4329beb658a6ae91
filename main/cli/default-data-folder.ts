import { join } from 'node:path';

/** Folder of the platform's application data for Faultline; a demo has one of its own, so that a shop never trades in somebody's store. */
export function defaultDataFolder(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  demo = false,
): string {
  const name = (plain: string): string => (demo ? `${plain}-demo` : plain);
  if (platform === 'win32') return join(environment['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), name('Faultline'));
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', name('Faultline'));
  return join(environment['XDG_DATA_HOME'] || join(home, '.local', 'share'), name('faultline'));
}

import { join } from 'node:path';

/** The platform's application-data folder for Faultline. */
export function defaultDataFolder(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  if (platform === 'win32') return join(environment['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'Faultline');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Faultline');
  return join(environment['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'faultline');
}

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from '#contracts/settings.ts';
import { SOURCE_LIMITS_FILE, type SourceLimits, sourceLimitsSchema } from '#contracts/source-limits.ts';

/** Limits by source the engine wrote down last; those of the configuration hold whatever stands there. */
export function readSourceLimits({ dataDir, limits }: Pick<Settings, 'dataDir' | 'limits'>, log: (line: string) => void): SourceLimits {
  const file = path.join(dataDir, SOURCE_LIMITS_FILE);
  try {
    const known = existsSync(file) ? sourceLimitsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
    return { ...known, ...limits.sources };
  } catch (error) {
    log(`${file} cannot be read (${(error as Error).message.slice(0, 200)}): limits set on the Volume page hold once the engine runs`);
    return limits.sources;
  }
}

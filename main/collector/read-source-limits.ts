import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SOURCE_LIMITS_FILE } from '#contracts/limited-source.ts';
import type { Settings } from '#contracts/settings.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';

/** Limits by source the engine wrote down last; those of the configuration hold whatever stands there. */
export async function readSourceLimits(
  { dataDir, limits }: Pick<Settings, 'dataDir' | 'limits'>,
  log: (line: string) => void,
): Promise<SourceLimits> {
  const file = path.join(dataDir, SOURCE_LIMITS_FILE);
  if (!existsSync(file)) return limits.sources;
  try {
    const { sourceLimitsSchema } = await import('#contracts/source-limits.ts');
    return { ...sourceLimitsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))), ...limits.sources };
  } catch (error) {
    log(`${file} cannot be read (${(error as Error).message.slice(0, 200)}): limits set on the Volume page hold once the engine runs`);
    return limits.sources;
  }
}

import path from 'node:path';
import { DEMO_FOLDER, DEMO_SLO_FILE } from '#contracts/demo-files.ts';
import type { Settings } from '#contracts/settings.ts';
import type { SloSettings } from '#main/rules/rule-sources.ts';

/** In the data folder: objectives made on the page. */
export const SLO_FOLDER = 'slo';

export const sloSettings = ({ dataDir, slo }: Pick<Settings, 'dataDir' | 'slo'>): SloSettings => ({
  pattern: slo ?? null,
  folder: path.join(dataDir, SLO_FOLDER),
  files: [path.join(dataDir, DEMO_FOLDER, DEMO_SLO_FILE)],
});

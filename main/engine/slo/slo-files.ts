import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DEMO_FOLDER, DEMO_SLO_FILE } from '#contracts/demo-files.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { Settings } from '#contracts/settings.ts';
import type { NewSlo } from '#contracts/slo.ts';
import { printSlo } from '#main/rules/print-slo.ts';
import { MAX_RULE_FILES, type SloSettings } from '#main/rules/rule-sources.ts';

/** In the data folder: objectives made on the page. */
export const SLO_FOLDER = 'slo';

export const sloSettings = ({ dataDir, slo }: Pick<Settings, 'dataDir' | 'slo'>): SloSettings => ({
  pattern: slo ?? null,
  folder: path.join(dataDir, SLO_FOLDER),
  files: [path.join(dataDir, DEMO_FOLDER, DEMO_SLO_FILE)],
});

/** Files of objectives made on the page, one each; the alerting reads them as any others. */
export class SloFiles {
  private readonly folder: string;

  constructor({ dataDir }: Pick<Settings, 'dataDir'>) {
    this.folder = path.join(dataDir, SLO_FOLDER);
  }
  isOwn(file: string): boolean {
    return path.dirname(file) === this.folder;
  }
  /** '' where it is not ours to show: a file of somebody may hold more than objectives. */
  textOf(file: string): string {
    if (!this.isOwn(file)) return '';
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  }
  /** @param known ids there are. @returns the id of the new one. @throws FaultlineError */
  add(wanted: NewSlo, known: ReadonlySet<string>): string {
    if (wanted.kind === 'latency' && wanted.thresholdMs === undefined)
      throw new FaultlineError('bad_request', 'Field "thresholdMs": needed for latency.');
    const { id, text } = printSlo(wanted);
    if (known.has(id)) throw new FaultlineError('bad_request', `There is an objective "${id}" already.`);
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    if (readdirSync(this.folder).length >= MAX_RULE_FILES)
      throw new FaultlineError('bad_request', `There are ${MAX_RULE_FILES} objectives made here already.`);
    writeFileSync(path.join(this.folder, `${id}.yml`), text, { flag: 'wx' });
    return id;
  }
  remove(file: string): void {
    if (!this.isOwn(file) || !existsSync(file))
      throw new FaultlineError('bad_request', 'This objective was not made here: remove it from its file.');
    rmSync(file);
  }
}

import { readFileSync } from 'node:fs';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { type ConfigRead, readConfig } from '#query/alerting/read-config.ts';

/** An alertmanager.yml; a file that cannot be read is one with a problem. */
export function loadConfig(file: string): ConfigRead {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    return { config: null, problems: [{ line: 0, column: 0, message, isShape: false }] };
  }
  return readConfig(parseYaml(text));
}

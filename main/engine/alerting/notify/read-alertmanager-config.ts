import { parseYaml } from '#main/rules/parse-yaml.ts';
import { type ConfigRead, readConfig } from '#query/alerting/read-config.ts';
import { printConfig } from './print-config.ts';

/** Reads an alertmanager.yml. `text`: as it may be shown, without what is secret. */
export function readAlertmanagerConfig(text: string): ConfigRead & { readonly text: string } {
  const document = parseYaml(text);
  return { ...readConfig(document), text: printConfig(document.root) };
}

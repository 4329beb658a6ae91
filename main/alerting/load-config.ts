import { globSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { type ConfigRead, readConfig } from '#query/alerting/read-config.ts';
import { BUILT_IN, NotificationTemplates } from '#query/alerting/templates/templates.ts';
import { TemplateError } from '#query/rules/template-ast.ts';
import { printConfig } from './print-config.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_TEMPLATE_FILES = 1_000;
const MAX_TEMPLATE_BYTES = 1024 * 1024;

/** An alertmanager.yml as it may be shown, without what is secret. */
export type ConfigText = ConfigRead & { readonly text: string };
export function readAlertmanagerConfig(text: string): ConfigText {
  const document = parseYaml(text);
  return { ...readConfig(document), text: printConfig(document.root) };
}
export type LoadedConfig = ConfigText & {
  readonly templates: NotificationTemplates;
  /** Why its templates are none: Alertmanager would not take the file. Those built in hold. */
  readonly templateProblem: string;
  /** Of its templates. */
  readonly templateFiles: readonly string[];
};
const NO_TEMPLATES = { templates: BUILT_IN, templateProblem: '', templateFiles: [] } as const;

/** An alertmanager.yml and its templates; a file that cannot be read is one with a problem. */
export function loadConfig(file: string): LoadedConfig {
  const unread = (message: string): LoadedConfig => ({
    ...{ config: null, problems: [{ line: 0, column: 0, message, isShape: false }], text: '' },
    ...NO_TEMPLATES,
  });
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) return unread(`the file has ${size} bytes; the limit is ${MAX_BYTES}`);
    const read = readAlertmanagerConfig(readFileSync(file, 'utf8'));
    return { ...read, ...(read.config ? loadTemplates(read.config.templates, dirname(file)) : NO_TEMPLATES) };
  } catch (error) {
    return unread(`cannot be read: ${(error as Error).message}`);
  }
}
/** @param patterns relative to the folder of the configuration */
function loadTemplates(patterns: readonly string[], folder: string): Omit<LoadedConfig, keyof ConfigText> {
  const templateFiles = patterns.flatMap((pattern) => globSync(resolve(folder, pattern)).sort()).slice(0, MAX_TEMPLATE_FILES);
  try {
    const files = templateFiles.map((file) => {
      const text = readFileSync(file, 'utf8');
      if (text.length > MAX_TEMPLATE_BYTES) throw new TemplateError(`${file} has more than ${MAX_TEMPLATE_BYTES} characters`);
      return { name: basename(file), text };
    });
    return { templates: new NotificationTemplates(files), templateProblem: '', templateFiles };
  } catch (error) {
    return { templates: BUILT_IN, templateProblem: (error as Error).message, templateFiles };
  }
}

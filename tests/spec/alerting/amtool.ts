import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's amtool (0.25), where it is installed: what it says is what our reader and routes are measured by. */
export const hasAmtool = spawnSync('amtool', ['--version']).error === undefined;

function amtool(args: readonly string[], folder: string): { readonly code: number; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync('amtool', args, { cwd: folder, encoding: 'utf8', timeout: 120_000, maxBuffer: 2 ** 28 });
  return { code: status ?? -1, stdout, stderr };
}
/** What is wrong with each file; '': nothing. */
export function checkFiles(files: readonly string[], folder: string): Map<string, string> {
  const said = new Map<string, string>();
  const { stdout } = amtool(['check-config', ...files], folder);
  for (const [, file, rest] of stdout.matchAll(/^Checking '(.*?)' {2}([\s\S]*?)(?=^Checking '|(?![\s\S]))/gm)) {
    const failed = /^FAILED: ([\s\S]*?)\n\n?$/.exec(rest as string);
    said.set(file as string, failed ? (failed[1] as string).trimEnd() : '');
  }
  return said;
}
export function receiversOf(file: string, pairs: readonly string[], folder: string): string {
  return amtool(['config', 'routes', 'test', `--config.file=${file}`, ...pairs], folder).stdout.trim();
}

export interface TemplateAnswer {
  readonly gives: string;
  /** What is said instead. */
  readonly fails?: string;
}
/** What templates give over a message, as `amtool template render` has it: one that fails is asked by itself. */
export function renderTemplates(texts: readonly string[], type: 'text' | 'html', data: object, folder: string): TemplateAnswer[] {
  writeFileSync(join(folder, 'data.json'), JSON.stringify(data));
  writeFileSync(join(folder, 'none.tmpl'), '{{ define "none" }}{{ end }}');
  const render = (text: string): TemplateAnswer => {
    const flags = ['--template.glob=none.tmpl', '--template.data=data.json', `--template.type=${type}`, `--template.text=${text}`];
    const { code, stdout, stderr } = amtool(['template', 'render', ...flags], folder);
    return code === 0 ? { gives: stdout } : { gives: '', fails: stderr.trim().replace(/^amtool: error: /, '') };
  };
  return texts.map(render);
}

import { spawnSync } from 'node:child_process';

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

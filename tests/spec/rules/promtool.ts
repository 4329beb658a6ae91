import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's promtool, where it is installed: what it says is what our rules are measured by. */
export const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

export function promtool(
  args: readonly string[],
  folder: string,
): { readonly code: number; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8', timeout: 120_000, maxBuffer: 2 ** 28 });
  return { code: status ?? -1, stdout, stderr };
}
export const promtoolVersion = (): string => execFileSync('promtool', ['--version'], { encoding: 'utf8' }).split('\n', 1)[0] as string;

/** A text as Go quotes it, back. */
export const unquote = (text: string): string =>
  text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gs, (_, hex?: string, unicode?: string, simple?: string) =>
      hex || unicode
        ? String.fromCodePoint(Number.parseInt((hex ?? unicode) as string, 16))
        : ({ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', v: '\v', f: '\f' }[simple as string] ?? (simple as string)),
    );

export interface TemplateResult {
  readonly text: string;
  /** What it gives, or says when it runs. */
  readonly gives?: string;
  /** Why it is none. */
  readonly refused?: string;
}
/** Series the templates see: m{instance,job} = 3, 1234.5, 0.25; the alert is that of the second. */
const SERIES = ['m{instance="a:9100",job="api"} 3', 'm{instance="b:9100",job="api"} 1234.5', 'm{instance="c",job="web"} 0.25'];
export function askTemplates(templates: readonly string[], folder: string): TemplateResult[] {
  const rules = (indices: readonly number[]): string =>
    `groups:\n- name: g\n  rules:\n${indices
      .map((i) => `  - alert: T${i}\n    expr: m > 1000\n    annotations:\n      v: ${JSON.stringify(templates[i])}`)
      .join('\n')}\n`;
  const all = [...templates.keys()];
  writeFileSync(join(folder, 'all.yml'), rules(all));
  const refused = new Map<number, string>();
  for (const [, index, why] of promtool(['check', 'rules', 'all.yml'], folder).stderr.matchAll(/rule \d+, "T(\d+)": annotation "v": (.*)/g))
    refused.set(Number(index), (why as string).replaceAll(`__alert_T${index}`, '__alert_T'));
  const good = all.filter((i) => !refused.has(i));
  writeFileSync(join(folder, 'good.yml'), rules(good));
  const series = SERIES.map((line) => {
    const [name, value] = line.split(' ');
    return `  - series: '${name}'\n    values: '${value}'`;
  });
  const tests = good.map((i) => `  - eval_time: 0\n    alertname: T${i}\n    exp_alerts: []`);
  writeFileSync(
    join(folder, 'test.yml'),
    `rule_files: [good.yml]\ntests:\n- input_series:\n${series.join('\n')}\n  alert_rule_test:\n${tests.join('\n')}\n`,
  );
  const { stderr } = promtool(['test', 'rules', 'test.yml'], folder);
  const given = new Map<number, string>();
  for (const [, index, quoted] of stderr.matchAll(/alertname="T(\d+)".*\n\s*Annotations:\{v=("(?:[^"\\]|\\.)*")\}/g))
    given.set(Number(index), unquote(quoted as string).replaceAll(`__alert_T${index}`, '__alert_T'));
  return all.map((i) => {
    const [no, yes] = [refused.get(i), given.get(i)];
    return { text: templates[i] as string, ...(no === undefined ? { gives: yes ?? '' } : { refused: no }) };
  });
}

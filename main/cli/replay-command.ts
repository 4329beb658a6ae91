import { readFileSync } from 'node:fs';
import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import { NDJSON, type ReplayAnswer, type ReplayBody, type ReplayCaught, type ReplayVariant } from '#contracts/replay.ts';
import { parseGoDuration } from '#query/rules/model-duration.ts';
import { alignedTable, visible } from './format-table.ts';
import { timeFlag } from './parse-values.ts';
import { say } from './serve.ts';
import { type InstanceFlags, json, withConsole } from './with-console.ts';

export interface ReplayFlags extends InstanceFlags {
  readonly start: string;
  readonly end: string;
  readonly alert?: string;
  readonly interval?: string;
  readonly sweep?: string[];
  readonly truth?: string[];
  readonly alertmanagerConfig?: string;
  readonly json?: boolean;
}
const bad = (message: string): never => {
  throw new FaultlineError('bad_request', message);
};
/** 1m30s in seconds. */
function secondsOf(flag: string, text: string): number {
  const ms = parseGoDuration(text);
  return typeof ms === 'number' ? ms / 1000 : bad(`${flag}: ${ms}.`);
}
const MAX_STEPS = 1_000;
/** "a:b:step" or "a,b,c". */
function numbersOf(text: string): number[] {
  const parts = text.split(':');
  const numbers = (parts.length === 3 ? parts : text.split(',')).map((each) => (each.trim() === '' ? Number.NaN : Number(each)));
  if (numbers.some((each) => !Number.isFinite(each))) bad(`--sweep threshold=${text}: it is FROM:TO:STEP or a list of numbers.`);
  if (parts.length !== 3) return numbers;
  const [from, to, step] = numbers as [number, number, number];
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  if (!(step > 0 && count >= 1 && count <= MAX_STEPS))
    bad(`--sweep threshold=${text}: FROM, TO and STEP must give 1 to ${MAX_STEPS} numbers.`);
  // Without what adding the step again and again would add to it.
  return Array.from({ length: count }, (_, i) => Number((from + i * step).toPrecision(12)));
}
function sweepOf(specs: readonly string[] | undefined): ReplayBody['sweep'] {
  if (!specs) return undefined;
  const sweep: { forSeconds?: number[]; thresholds?: number[] } = {};
  for (const spec of specs) {
    const [, kind, text] = /^(for|threshold)=(.+)$/.exec(spec) ?? [];
    if (kind === 'for') sweep.forSeconds = (text as string).split(',').map((each) => secondsOf('--sweep for', each));
    else if (kind === 'threshold') sweep.thresholds = numbersOf(text as string);
    else bad(`--sweep ${spec}: it is for=1m,5m or threshold=FROM:TO:STEP.`);
  }
  return sweep;
}
function truthOf(text: string, i: number, nowMs: number): { title: string; start: number; end: number } {
  const [start, end, ...more] = text.split('..');
  if (!start || !end || more.length > 0) return bad(`--truth ${text}: it is START..END.`);
  return { title: `truth ${i + 1}`, start: timeFlag('--truth', start, nowMs), end: timeFlag('--truth', end, nowMs) };
}
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return bad(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** `faultline rules replay`: rules of a file, or those that are evaluated, over a stored window. */
export async function replay(file: string | undefined, flags: ReplayFlags): Promise<number> {
  const nowMs = Date.now();
  const sweep = sweepOf(flags.sweep);
  const body: ReplayBody = {
    start: timeFlag('--start', flags.start, nowMs),
    end: timeFlag('--end', flags.end, nowMs),
    ...(file === undefined ? {} : { rules: textOf(file) }),
    ...(flags.alert === undefined ? {} : { alert: flags.alert }),
    ...(flags.interval === undefined ? {} : { intervalSeconds: secondsOf('--interval', flags.interval) }),
    ...(flags.truth ? { truths: flags.truth.map((each, i) => truthOf(each, i, nowMs)) } : {}),
    ...(flags.alertmanagerConfig === undefined ? {} : { alertmanager: textOf(flags.alertmanagerConfig) }),
    ...(sweep ? { sweep } : {}),
  };
  const answer = await withConsole({ flags }, async (console) => {
    const init = json(body);
    return answerOf(await console.call('/console/replay', { ...init, headers: { ...init.headers, accept: NDJSON } }));
  });
  process.stdout.write(flags.json ? `${JSON.stringify(answer)}\n` : describe(answer));
  return 0;
}
const SAYS_MS = 2_000;
/** The last line; those before it say how far it is. */
async function answerOf(response: Response): Promise<ReplayAnswer> {
  let rest = '';
  let saidMs = performance.now();
  const decoder = new TextDecoder();
  const read = (line: string): ReplayAnswer | null => {
    const said = JSON.parse(line) as { progress?: number; answer?: ReplayAnswer; error?: { code: ErrorCode; message: string } };
    if (said.error) throw new FaultlineError(said.error.code, said.error.message);
    if (said.progress !== undefined && performance.now() - saidMs > SAYS_MS) {
      saidMs = performance.now();
      say(`${Math.round(said.progress * 100)} %`);
    }
    return said.answer ?? null;
  };
  for await (const bytes of response.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const answer = read(line);
      if (answer) return answer;
    }
  }
  throw new FaultlineError('internal', 'The console ended before it answered.');
}

const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.000Z$/, 'Z');
function lengthText(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3_600).toFixed(1))} h`;
}
const rounded = (value: number): string => String(Number(value.toFixed(1)));

function describe(answer: ReplayAnswer): string {
  const { rules, problems, episodes, episodeCount, judged, heldBack, receivers, sweep, cost } = answer;
  const lines = [`${timeText(answer.startMs)} to ${timeText(answer.endMs)}`];
  for (const each of problems) lines.push(`left out: ${each}`);
  const alerting = rules.filter(({ kind }) => kind === 'alerting');
  lines.push(
    alignedTable(
      ['alert', 'for', 'fired', 'alerts', 'firing in all', 'longest', 'pending only', 'failed'],
      alerting.map((rule) => [
        visible(rule.name),
        lengthText(rule.forSeconds * 1000),
        ...[rule.firings, rule.alerts].map(String),
        ...[rule.firingMs, rule.longestMs].map(lengthText),
        ...[rule.neverFired, rule.failures].map(String),
      ]),
    ),
  );
  for (const { name, lastError } of rules) if (lastError !== '') lines.push(`${visible(name)}: ${lastError}`);
  for (const { rule, labels, firedMs, endedMs } of episodes.slice(0, SHOWN)) {
    const shown = Object.entries(labels).filter(([name]) => name !== 'alertname');
    const text = shown.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ');
    const ends = endedMs === null ? 'goes on' : `for ${lengthText(endedMs - firedMs)}`;
    lines.push(`  ${timeText(firedMs)} ${visible(rules[rule]?.name ?? '')}{${visible(text)}} ${ends}`);
  }
  if (episodeCount > SHOWN) lines.push(`  and ${episodeCount - Math.min(SHOWN, episodes.length)} more`);
  const to = receivers.map(({ receiver, pages }) => `${visible(receiver)} ${pages}`).join(', ');
  lines.push('', `pages: ${judged.pages}${to === '' ? '' : ` (${to})`}, ${rounded(judged.pagesPerWeek)} a week`);
  for (const { by, id, alerts } of heldBack) lines.push(`kept back by ${by} ${visible(id)}: ${alerts} alerts`);
  lines.push(...(judged.each.length === 0 ? ['no incident in this window to compare with'] : judged.each.map(caughtText)));
  if (judged.each.length > 0) lines.push(`outside of them: ${judged.falsePages} pages, ${rounded(judged.falsePerWeek)} a week`);
  if (sweep) lines.push('', variantTable(sweep.variants));
  lines.push(`${cost.samples.toLocaleString('en')} samples, ${cost.evaluations.toLocaleString('en')} evaluations, ${cost.ms} ms`);
  return `${lines.join('\n')}\n`;
}
const SHOWN = 40;
function caughtText({ trouble, verdict, pageMs, earlierMs, delayMs }: ReplayCaught): string {
  const name = `${visible(trouble.title)} (${timeText(trouble.startMs)})`;
  if (verdict === 'missed') return `missed: ${name}`;
  if (verdict === 'already') return `fired before it began, nothing new rang: ${name}`;
  const noticed = earlierMs === null ? '' : `, ${lengthText(earlierMs)} ${earlierMs >= 0 ? 'earlier' : 'later'} than it was noticed`;
  const delay = delayMs ?? 0;
  return `caught: ${name} at ${timeText(pageMs ?? 0)}, ${lengthText(delay)} ${delay < 0 ? 'before' : 'after'} it began${noticed}`;
}
function variantTable(variants: readonly ReplayVariant[]): string {
  const rows = variants.map((each) => [
    each.isFront ? '*' : '',
    each.threshold === null ? 'as written' : String(each.threshold),
    lengthText(each.forSeconds * 1000),
    String(each.firings),
    `${each.pages}${each.isCut ? '+' : ''}`,
    rounded(each.pagesPerWeek),
    rounded(each.falsePerWeek),
    String(each.caught),
    String(each.missed),
    each.delayMs === null ? '' : lengthText(each.delayMs),
  ]);
  const header = ['best', 'threshold', 'for', 'fired', 'pages', 'a week', 'false a week', 'caught', 'missed', 'mean delay'];
  return `${alignedTable(header, rows)}* no other one is both faster and less noisy; what is missed counts with its whole length`;
}

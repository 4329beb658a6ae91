import { resolve } from 'node:path';
import type { ModelJob, Models, ShelfModel } from '#contracts/console-models.ts';
import { ERRORS, type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import { bytesText } from '#contracts/figure-text.ts';
import { type ConsoleClient, type InstanceFlags, json, withConsole } from './with-console.ts';

export interface ModelsFlags extends InstanceFlags {
  readonly json?: boolean;
}
const POLL_MS = 200;
const DEMO_NOTE = 'demo model: random weights, proves the path, knows nothing';
const read = async (console: ConsoleClient): Promise<Models> => (await console.call('/console/models')).json() as Promise<Models>;

const describe = ({ file, path, neededBytes }: ShelfModel, current: string | null): string =>
  [
    `${file.sha256 === current ? '*' : ' '} ${file.sha256.slice(0, 12)}  ${file.name}${file.demo ? ` (${DEMO_NOTE})` : ''}`,
    `  ${bytesText(file.bytes)}, needs about ${bytesText(neededBytes)} of memory, holds ${file.contextTokens} tokens`,
    `  ${path}`,
    '',
  ].join('\n');
/** `faultline models list`: the shelf; the one that is asked has a star. */
export async function listModels(flags: ModelsFlags): Promise<number> {
  const answer = await withConsole({ flags }, read);
  if (flags.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else if (answer.models.length === 0) process.stdout.write('no local model: the template narrator tells every story\n');
  else {
    process.stdout.write(answer.models.map((model) => describe(model, answer.current)).join(''));
    if (answer.current === null) process.stderr.write('none is asked: the template narrator tells every story\n');
  }
  return 0;
}
/** `faultline models add FILE` or `--demo`: checks the file, with progress on stderr, and makes it the one that is asked. */
export async function addModel(file: string | undefined, flags: ModelsFlags & { readonly demo?: boolean }): Promise<number> {
  if ((file === undefined) === !flags.demo) throw new FaultlineError('bad_request', 'Name one GGUF file, or --demo.');
  const added = await withConsole({ flags, createFolder: true }, async (console) => {
    await console.call('/console/models', json(file === undefined ? { demo: true } : { path: resolve(file) }));
    const { models, current } = await jobDone(console);
    return models.find((model) => model.file.sha256 === current) ?? null;
  });
  if (flags.json || !added) process.stdout.write(`${JSON.stringify(added)}\n`);
  else {
    const { name, sha256, bytes, demo } = added.file;
    process.stdout.write(`${name}: ${bytesText(bytes)}, needs about ${bytesText(added.neededBytes)} of memory, SHA-256 ${sha256}\n`);
    if (demo) process.stderr.write(`${DEMO_NOTE}\n`);
  }
  return 0;
}
/** `faultline models remove SHA256`: forgets a model, by the beginning of its SHA-256; its file stays. */
export async function removeModel(wanted: string, flags: ModelsFlags): Promise<number> {
  return withConsole({ flags }, async (console) => {
    const matching = (await read(console)).models.filter(({ file }) => wanted.length >= 6 && file.sha256.startsWith(wanted.toLowerCase()));
    const [model] = matching;
    if (!model || matching.length > 1) {
      throw new FaultlineError(
        'not_found',
        `${matching.length} models have a SHA-256 that starts with "${wanted}" (six characters or more).`,
      );
    }
    const answer = await console.call(`/console/models/${model.file.sha256}`, { method: 'DELETE' });
    if (flags.json) process.stdout.write(`${JSON.stringify(await answer.json())}\n`);
    else process.stderr.write(`${model.file.name} is forgotten\n`);
    return 0;
  });
}

/** Waits for the job, tells its progress; Ctrl-C cancels it. @throws FaultlineError what it failed with */
async function jobDone(console: ConsoleClient): Promise<Models> {
  const stop = (): void => void console.call('/console/models/job', { method: 'DELETE' }).catch(() => undefined);
  process.once('SIGINT', stop);
  try {
    for (let told = -1; ; ) {
      const models = await read(console);
      const { job } = models;
      if (!job || job.state === 'done') return models;
      if (job.state !== 'running') throw failureOf(job);
      const percent = job.total > 0 ? Math.floor((job.done / job.total) * 100) : 0;
      if (percent >= told + 10) {
        told = percent;
        process.stderr.write(`${job.about}: checked ${percent} %\n`);
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  } finally {
    process.off('SIGINT', stop);
  }
}
function failureOf({ error }: ModelJob): FaultlineError {
  const code = error && error.code in ERRORS ? (error.code as ErrorCode) : 'internal';
  return new FaultlineError(code, error?.message ?? 'The job failed.');
}

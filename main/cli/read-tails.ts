import { resolve } from 'node:path';
import { parseGlob } from '#collectors/tail/glob.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { Config } from '#contracts/settings.ts';
import type { TailConfig } from '#contracts/tail-config.ts';
import { MAX_TAILS, type Multiline, TAIL_FORMATS, type TailSettings } from '#contracts/tailing.ts';
import { parseRetention, valueAt } from './parse-values.ts';

export interface TailPlaceInSettings {
  readonly value: Config['tail'] | readonly string[];
  /** What relative globs are relative to. */
  readonly folder: string;
  /** How to name `tail` to the user: "--tail", "FAULTLINE_TAIL", "faultline.yaml: tail". */
  readonly name: string;
  readonly format: string | undefined;
  readonly multiline: string | undefined;
  readonly service: string | undefined;
  /** How to name another key to the user. */
  readonly nameOf: (key: 'tailFormat' | 'tailMultiline') => string;
}
const refuse = (message: string): never => {
  throw new FaultlineError('config_invalid', message);
};
/** How long a multi-line record waits for its next line. */
const MULTILINE_MS = 1_000;

/** "off", "indent", or a regular expression that begins a record. @param where to name it by @throws FaultlineError config_invalid */
export function parseMultiline(text: string, where: string): Multiline {
  if (text === 'off') return { by: 'line' };
  if (text === 'indent') return { by: 'indent' };
  try {
    return { by: 'start', pattern: new RegExp(text).source };
  } catch (error) {
    return refuse(`${where}: "${text}" is neither off, indent nor a regular expression: ${(error as Error).message}`);
  }
}
function globOf(text: string, folder: string, where: string): string {
  // "~" is the shell's to expand, and in quotes it does not.
  if (text.startsWith('~')) refuse(`${where}: "${text}": write the folder out, "~" is not expanded here`);
  const pattern = resolve(folder, text);
  try {
    parseGlob(pattern);
    return pattern;
  } catch (error) {
    return refuse(`${where}: "${text}" is no glob: ${(error as Error).message}`);
  }
}

/** Files to tail, as the configuration names them. @throws FaultlineError config_invalid */
export function readTails({ value, folder, name, format, multiline, service, nameOf }: TailPlaceInSettings): readonly TailSettings[] {
  const entries = (typeof value === 'string' ? [value] : (value ?? [])).map(
    (entry): TailConfig => (typeof entry === 'string' ? { path: entry } : entry),
  );
  if (entries.length > MAX_TAILS) refuse(`${name}: at most ${MAX_TAILS} globs`);
  const shared = TAIL_FORMATS.find((each) => each === (format ?? 'auto'));
  if (shared === undefined) return refuse(`${nameOf('tailFormat')}: "${format}" is none of ${TAIL_FORMATS.join(', ')}`);
  const tails = entries.map((entry, i): TailSettings => {
    const where = entries.length === 1 ? name : `${name}: entry ${i + 1}`;
    const rule = entry.multiline ?? multiline ?? 'off';
    const exclude = typeof entry.exclude === 'string' ? [entry.exclude] : (entry.exclude ?? []);
    return {
      pattern: globOf(entry.path, folder, where),
      exclude: exclude.map((glob) => globOf(glob, folder, `${where}: exclude`)),
      format: entry.format ?? shared,
      multiline: parseMultiline(rule, entry.multiline === undefined ? nameOf('tailMultiline') : `${where}: multiline`),
      multilineMs:
        entry.multilineTimeout === undefined
          ? MULTILINE_MS
          : valueAt(`${where}: multilineTimeout`, entry.multilineTimeout, parseRetention) * 1000,
      service: entry.service ?? service ?? '',
      from: entry.from ?? 'beginning',
      zone: entry.zone ?? 'local',
    };
  });
  const twice = tails.find(({ pattern }, i) => tails.findIndex((each) => each.pattern === pattern) !== i);
  if (twice) refuse(`${name}: "${twice.pattern}" is there twice`);
  return tails;
}

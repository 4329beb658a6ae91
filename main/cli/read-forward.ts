import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import { type Destination, destinationSchema, MAX_DESTINATIONS } from '#contracts/forwarding.ts';
import type { ForwardConfig } from '#contracts/settings.ts';
import { parseRetention, parseSize, valueAt } from './parse-values.ts';

/** Headers for the addresses of --forward, as OTEL_EXPORTER_OTLP_HEADERS writes them: NAME=VALUE,NAME=VALUE. */
export const FORWARD_HEADERS_VARIABLE = 'FAULTLINE_FORWARD_HEADERS';

export interface ForwardPlace {
  readonly value: string | readonly ForwardConfig[] | undefined;
  /** What relative paths of `value` are relative to. */
  readonly folder: string;
  /** How to name it to the user: "--forward", "FAULTLINE_FORWARD", "faultline.yaml: forward". */
  readonly name: string;
  readonly headersFile: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
const refuse = (message: string): never => {
  throw new FaultlineError('config_invalid', message);
};

/**
 * Destinations as the configuration names them, headers read from where it points. Messages name a header, never a value.
 * @throws FaultlineError config_invalid
 */
export function readForward(place: ForwardPlace): readonly Destination[] {
  const { value, name, headersFile, environment } = place;
  const entries: readonly ForwardConfig[] =
    typeof value === 'string'
      ? value
          .split(',')
          .map((url) => url.trim())
          .filter((url) => url !== '')
          .map((url) => ({ url }))
      : (value ?? []);
  const shared = {
    ...(environment[FORWARD_HEADERS_VARIABLE] ? headersOfVariable(FORWARD_HEADERS_VARIABLE, environment) : {}),
    ...(headersFile === null ? {} : headersOfFile(headersFile)),
  };
  if (entries.length > MAX_DESTINATIONS) refuse(`${name}: at most ${MAX_DESTINATIONS} destinations`);
  const destinations = entries.map((entry, i) => destinationOf(entry, i + 1, place, shared));
  const names = destinations.map((each) => each.name);
  const twice = names.find((each, i) => names.indexOf(each) !== i);
  if (twice !== undefined) refuse(`${name}: two destinations are called "${twice}"; give each a name of its own`);
  return destinations;
}

function destinationOf(
  entry: ForwardConfig,
  nth: number,
  { folder, name, environment }: ForwardPlace,
  shared: Record<string, string>,
): Destination {
  const { headersFile, headersEnv, maxQueue, maxAge, timeout, headers, ...rest } = entry;
  const where = `${name}: ${entry.name ?? `destination ${nth}${originOf(entry.url)}`}`;
  const parsed = destinationSchema.safeParse({
    ...rest,
    name: entry.name ?? nameOf(entry.url),
    headers: {
      ...shared,
      ...headers,
      ...(headersEnv === undefined ? {} : headersOfVariable(headersEnv, environment)),
      ...(headersFile === undefined ? {} : headersOfFile(resolve(folder, headersFile))),
    },
    ...(maxQueue === undefined ? {} : { maxQueueBytes: valueAt(`${where}: maxQueue`, maxQueue, parseSize) }),
    ...(maxAge === undefined ? {} : { maxQueueSeconds: valueAt(`${where}: maxAge`, maxAge, parseRetention) }),
    ...(timeout === undefined ? {} : { timeoutMs: valueAt(`${where}: timeout`, timeout, parseRetention) * 1000 }),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const says = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message;
  return refuse(`${where}: ${issue?.path.join('.')}: ${says}`);
}
/** " (http://HOST:PORT)": paths and what stands before an "@" may be credentials, so with one there is nothing to show. */
function originOf(url: string): string {
  const [, origin] = /^([a-z][a-z0-9+.-]*:\/\/[^@/?#]+)(?:[/?#][^@]*)?$/i.exec(url) ?? [];
  return origin === undefined ? '' : ` (${origin})`;
}
/**
 * "http://platform.example:4318" is called platform-example-4318. A path may hold a tenant's key, and names are shown where no
 * token is asked for (/metrics): of a path there is only a hash, which tells two apart.
 */
function nameOf(url: string): string {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/]*)\/*(.*?)\/*$/i.exec(url) ?? [];
  const end = path === '' ? '' : `-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`;
  const name = host
    .replace(/^.*@/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40 - end.length)
    .replace(/-+$/, '');
  return name + end;
}

function headersOfFile(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return refuse(`${file}: headers for forwarding cannot be read: ${(error as Error).message}`);
  }
  return headersOf(
    text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')),
    ':',
    file,
  );
}
function headersOfVariable(variable: string, environment: ForwardPlace['environment']): Record<string, string> {
  const text = environment[variable];
  if (text === undefined) return refuse(`${variable}: headers for forwarding are to be in this variable, and it is not set`);
  return headersOf(
    text.split(',').filter((part) => part.trim() !== ''),
    '=',
    variable,
  );
}
function headersOf(parts: readonly string[], separator: string, where: string): Record<string, string> {
  return Object.fromEntries(
    parts.map((part, i) => {
      const at = part.indexOf(separator);
      // Never the part itself: it may be a token somebody forgot to name.
      if (at <= 0) return refuse(`${where}: header ${i + 1} has no "${separator}" between name and value`);
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    }),
  );
}

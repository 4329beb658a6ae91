import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import {
  type Eviction,
  evictionsSchema,
  type ForwardFile,
  type ForwardState,
  forwardFileSchema,
  forwardStateSchema,
  NO_FORWARDING,
} from '#contracts/forwarding.ts';

const none = () => ({ requests: 0, items: 0 });
export const newForwardState = (): ForwardState => ({
  version: 1,
  position: 0,
  passed: { traces: none(), logs: none(), metrics: none() },
  counters: {
    sent: { traces: none(), logs: none(), metrics: none() },
    sentBytes: 0,
    retries: 0,
    rejectedItems: 0,
    failed: {},
    dropped: {},
  },
  deadLetters: [],
  blocked: null,
});

export const forwardFolder = (dataDir: string): string => path.join(dataDir, 'forward');
const destinationsFile = (dataDir: string): string => path.join(forwardFolder(dataDir), 'destinations.json');
const stateFile = (dataDir: string, name: string): string => path.join(forwardFolder(dataDir), `${name}.state.json`);

/** Replaces a file of mode 0600 as a whole: a reader, or a restart after a kill, finds the former or the new one. */
export async function replaceFile(file: string, text: string): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(4).toString('hex')}.new`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}
function readJson<T>(file: string, schema: { parse(value: unknown): T }): T | null {
  if (!existsSync(file)) return null;
  return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** @throws on a file that is not ours to understand: destinations with secrets must not vanish silently */
export const readForwardFile = (dataDir: string): ForwardFile => readJson(destinationsFile(dataDir), forwardFileSchema) ?? NO_FORWARDING;
export const writeForwardFile = (dataDir: string, file: ForwardFile): Promise<void> =>
  replaceFile(destinationsFile(dataDir), `${JSON.stringify(file, null, 2)}\n`);

/** A state nobody can read starts again at the oldest record there is: repeats are dropped by their id, a gap could not be filled. */
export function readForwardState(dataDir: string, name: string, log: (line: string) => void): ForwardState {
  try {
    return readJson(stateFile(dataDir, name), forwardStateSchema) ?? newForwardState();
  } catch (error) {
    log(`forwarding to ${name}: its state cannot be read and starts anew: ${(error as Error).message.slice(0, 200)}`);
    return newForwardState();
  }
}
export const writeForwardState = (dataDir: string, name: string, state: ForwardState): Promise<void> =>
  replaceFile(stateFile(dataDir, name), JSON.stringify(state));
const namesWithState = (dataDir: string): string[] =>
  existsSync(forwardFolder(dataDir))
    ? readdirSync(forwardFolder(dataDir)).flatMap((file) => /^(.+)\.state\.json$/.exec(file)?.[1] ?? [])
    : [];
/** Whether a destination has ever read from this data folder. */
export const hasForwardStates = (dataDir: string): boolean => namesWithState(dataDir).length > 0;
/** Deletes the states of destinations that are no more. */
export function removeOtherStates(dataDir: string, wanted: { has(name: string): boolean }): void {
  for (const name of namesWithState(dataDir)) if (!wanted.has(name)) rmSync(stateFile(dataDir, name), { force: true });
}

/** Name of this data folder towards receivers, made once. */
export async function instanceId(dataDir: string): Promise<string> {
  const file = path.join(forwardFolder(dataDir), 'instance');
  if (existsSync(file)) {
    const known = readFileSync(file, 'utf8').trim();
    if (/^[0-9a-f]{16}$/.test(known)) return known;
  }
  const fresh = randomBytes(8).toString('hex');
  await replaceFile(file, `${fresh}\n`);
  return fresh;
}

const MAX_EVICTIONS = 4_096;
const evictionsFile = (dataDir: string): string => path.join(forwardFolder(dataDir), 'evicted.json');
/** Written by the collector only. */
export async function addEviction(dataDir: string, eviction: Eviction): Promise<void> {
  const known = readEvictions(dataDir);
  await replaceFile(evictionsFile(dataDir), JSON.stringify([...known, eviction].slice(-MAX_EVICTIONS)));
}
export function readEvictions(dataDir: string): readonly Eviction[] {
  try {
    return readJson(evictionsFile(dataDir), evictionsSchema) ?? [];
  } catch {
    return [];
  }
}

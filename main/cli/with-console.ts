import { existsSync } from 'node:fs';
import type { State } from '#contracts/console-api.ts';
import { ERRORS, type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { Settings } from '#contracts/settings.ts';
import { childHost } from '#main/supervisor/child-host.ts';
import { startConsole } from '#main/supervisor/console-process.ts';
import { defaultDataFolder } from './default-data-folder.ts';
import { readSettings, type SettingsPlace } from './read-settings.ts';
import { type Runtime, readRuntime } from './runtime-file.ts';
import { placeOfProcess, say } from './serve.ts';

export interface InstanceFlags {
  readonly data?: string;
  readonly api?: string;
  readonly token?: string;
}
/** A console a command may talk to. */
export interface ConsoleClient {
  /** @throws FaultlineError with the catalogue code the API answered */
  call(path: string, init?: RequestInit): Promise<Response>;
  /** Where telemetry may be sent. */
  ingestUrl(): Promise<string>;
}
export interface WithConsoleOptions {
  readonly flags: InstanceFlags;
  /** Make the data folder when it is not there (import); else that is an error (query). */
  readonly createFolder?: boolean;
  /** For a console started here; 0 = keep everything, so that looking at old data does not prune it. */
  readonly retentionSeconds?: number;
}
/** How long an instance that holds the folder may take until it says where it listens. */
const STARTING_MS = 15_000;

/**
 * Runs `work` against the console that --api names, else the one that runs on the data folder, else one started for it
 * on free ports and stopped after. @throws FaultlineError
 */
export async function withConsole<T>(options: WithConsoleOptions, work: (console: ConsoleClient) => Promise<T>): Promise<T> {
  const { flags } = options;
  if (flags.api !== undefined) return work(remote(flags.api, flags.token));
  const place = placeOfProcess();
  const { settings, defaultFolder } = readSettings(flags.data === undefined ? {} : { data: flags.data }, place);
  const running = (await findRunning(settings.dataDir)) ?? (defaultFolder ? await findDemo(settings.dataDir, place) : null);
  if (running) return work(client(running.api, running.token, running.ingest));
  if (!options.createFolder && !existsSync(settings.dataDir)) {
    throw new FaultlineError('not_found', `There is no data folder ${settings.dataDir} and nothing runs on it.`);
  }
  return headless(settings, options.retentionSeconds ?? 0, work);
}

/** A demo that runs, where nobody has data of his own: an import into a shop, or a shop's figures for one's own, would go unseen. */
async function findDemo(ownFolder: string, { platform, environment, home }: SettingsPlace): Promise<Runtime | null> {
  const demoFolder = defaultDataFolder(platform, environment, home, true);
  const demo = demoFolder === ownFolder ? null : await findRunning(demoFolder);
  if (demo === null) return null;
  const isMeant = !existsSync(ownFolder);
  say(
    isMeant
      ? `the demo on ${demoFolder} answers; --data names another folder`
      : `a demo runs on ${demoFolder}: --data with that folder asks it`,
  );
  return isMeant ? demo : null;
}
/** The instance on this folder, if it answers. */
export async function findRunning(dataDir: string): Promise<Runtime | null> {
  const runtime = readRuntime(dataDir);
  if (!runtime) return null;
  const answers = await fetch(`${runtime.api}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.status < 500 || response.status === 503,
    () => false,
  );
  return answers ? runtime : null;
}
async function headless<T>(settings: Settings, retentionSeconds: number, work: (console: ConsoleClient) => Promise<T>): Promise<T> {
  const free = { host: '127.0.0.1', port: 0 };
  const { listeners: _, ...others } = settings;
  const own: Settings = {
    ...others,
    api: free,
    ingest: free,
    otlpGrpc: free,
    prometheusConfig: null,
    demo: null,
    evaluatesRules: false,
    ui: false,
    retentionSeconds,
    maxSizeBytes: Number.MAX_SAFE_INTEGER,
  };
  const interruption = hearSignals();
  let supervisor: Awaited<ReturnType<typeof startConsole>>;
  try {
    supervisor = await startConsole({ settings: own, host: childHost(), log: say, oneCommand: true });
  } catch (error) {
    const other = error instanceof FaultlineError && error.code === 'data_dir_locked' ? await awaitRunning(settings.dataDir) : null;
    if (other) return work(client(other.api, other.token, other.ingest));
    throw error;
  }
  try {
    return await Promise.race([work(client(supervisor.addresses.api, own.token, supervisor.addresses.ingest)), interruption.came]);
  } finally {
    interruption.forget();
    await supervisor.stop();
  }
}
/** Fails at the first signal: a console of this command's own is stopped in order, not cut off while it writes. The second one ends all. */
function hearSignals(): { readonly came: Promise<never>; forget(): void } {
  const { promise: came, reject } = Promise.withResolvers<never>();
  // Heard when the console has started, or never.
  came.catch(() => undefined);
  // A command that hears signals itself ends itself.
  const end = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) === 0) reject(new FaultlineError('cancelled', 'Interrupted: what is in is stored.'));
  };
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const signal of signals) process.once(signal, end);
  return {
    came,
    forget: () => {
      for (const signal of signals) process.off(signal, end);
    },
  };
}
/** Another process holds the folder and has not said yet where it listens. */
async function awaitRunning(dataDir: string): Promise<Runtime | null> {
  for (let waitedMs = 0; waitedMs < STARTING_MS; waitedMs += 250) {
    const running = await findRunning(dataDir);
    if (running) return running;
    await new Promise((done) => setTimeout(done, 250));
  }
  return null;
}

function remote(api: string, token: string | undefined): ConsoleClient {
  const url = /^https?:\/\//.test(api) ? api : `http://${api}`;
  const known = token ?? process.env['FAULTLINE_TOKEN'];
  if (!known) throw new FaultlineError('bad_request', '--api needs --token (or FAULTLINE_TOKEN): the one printed at start.');
  return client(url.replace(/\/$/, ''), known, null);
}
function client(api: string, token: string, ingest: string | null): ConsoleClient {
  const call: ConsoleClient['call'] = async (path, init = {}) => {
    let response: Response;
    try {
      response = await fetch(`${api}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
    } catch (error) {
      const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
      throw new FaultlineError('not_found', `No console answers at ${api}: ${cause}`, { cause: error });
    }
    if (!response.ok) throw await answeredError(response, `${api}${path}`);
    return response;
  };
  return {
    call,
    ingestUrl: async () => ingest ?? ((await (await call('/console/state')).json()) as State).addresses.ingest,
  };
}
/** How long a console that restarts is asked again. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 250;
/** For what may be asked twice: a console that is away for a moment ends nothing. */
export function patient(console: ConsoleClient): ConsoleClient {
  const call: ConsoleClient['call'] = async (path, init) => {
    for (let waitedMs = 0; ; waitedMs += AGAIN_MS) {
      try {
        return await console.call(path, init);
      } catch (error) {
        const { code, cause } = error as FaultlineError;
        const isAway = code === 'starting' || (code === 'not_found' && cause !== undefined);
        if (!isAway || waitedMs >= PATIENCE_MS) throw error;
        await new Promise((done) => setTimeout(done, AGAIN_MS));
      }
    }
  };
  return { ...console, call };
}
const PROMETHEUS_ERRORS: Readonly<Record<string, ErrorCode>> = { bad_data: 'bad_request', timeout: 'query_timeout' };
async function answeredError(response: Response, url: string): Promise<FaultlineError> {
  const text = await response.text();
  try {
    const { error, errorType } = JSON.parse(text) as { error: { code: string; message: string } | string; errorType?: string };
    // Prometheus' shape.
    if (typeof error === 'string') return new FaultlineError(PROMETHEUS_ERRORS[errorType ?? ''] ?? 'query_failed', error);
    const code = error.code in ERRORS ? (error.code as ErrorCode) : 'internal';
    return new FaultlineError(code, error.message);
  } catch {
    return new FaultlineError('internal', `${url} answered ${response.status}: ${text.slice(0, 300)}`);
  }
}
export const json = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

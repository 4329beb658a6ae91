import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { FaultlineError } from '#contracts/errors.ts';
import { DEMO_SCENARIOS, isDemoScenario } from '#demo/scenarios.ts';
import { startConsole } from '#main/supervisor/console-process.ts';
import type { ProcessHost } from '#main/supervisor/process-host.ts';
import { shrinkWhenCalm } from '#main/supervisor/shrink-when-calm.ts';
import type { Supervisor } from '#main/supervisor/supervise.ts';
import { explainStart } from './explain-start.ts';
import { readSettings, type SettingFlags, type SettingsPlace, unknownVariables } from './read-settings.ts';
import { readRuntime, removeRuntime, writeRuntime } from './runtime-file.ts';
import { version } from './version.ts';

/** Where this process takes settings from. */
export const placeOfProcess = (): SettingsPlace => ({
  platform: process.platform,
  environment: process.env,
  home: homedir(),
  workingFolder: process.cwd(),
});
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Whole time a stop may take, children included; the contract says ten seconds. */
const STOP_MS = 9_700;

/** `faultline serve`: resolves with the exit code after SIGTERM or SIGINT. @throws FaultlineError what startConsole says */
export async function serve(flags: SettingFlags, host: ProcessHost): Promise<number> {
  const { settings, configFile, defaultFolder, warnings } = readSettings(flags, placeOfProcess());
  if (configFile) say(`configuration: ${configFile}`);
  if (defaultFolder && settings.demo !== null) say(`the demo keeps its data apart from yours, in ${settings.dataDir}`);
  for (const name of unknownVariables(process.env)) say(`${name} is not a variable Faultline knows; it has no effect`);
  for (const warning of warnings) say(warning);
  checkScenario(settings.demo);
  checkReadable(settings.prometheusConfig);
  const stopAsked = stopSignal();
  // A signal during the start must not leave children behind.
  const starting = startConsole({
    settings,
    host,
    log: say,
    onState: (name, state) => state === 'running' || say(`${name}: ${state}`),
  }).catch(async (error: FaultlineError) => {
    throw await explainStart(error, settings, readRuntime(settings.dataDir));
  });
  const supervisor = await Promise.race([starting, stopAsked.then(() => null)]);
  if (supervisor === null) return stopWithin(await starting, settings.dataDir);
  shrinkWhenCalm();
  const { addresses } = supervisor;
  const { token } = settings;
  writeRuntime(settings.dataDir, { version: version(), pid: process.pid, startedUnixMs: Date.now(), ...addresses, token });
  process.stdout.write(`${JSON.stringify({ ready: true, version: version(), ...addresses, token })}\n`);
  await stopAsked;
  return stopWithin(supervisor, settings.dataDir);
}

/** Before anything starts: a scrape configuration that is not there is found by its name, not in a process's log. */
function checkReadable(prometheusConfig: string | null): void {
  if (prometheusConfig === null) return;
  try {
    accessSync(prometheusConfig, constants.R_OK);
  } catch (error) {
    throw new FaultlineError('config_invalid', `--prometheus-config: cannot read ${prometheusConfig}: ${(error as Error).message}`);
  }
}
/** A misspelt scenario would start a console in which nothing ever happens. */
function checkScenario(demo: string | null): void {
  if (demo === null || demo === '' || isDemoScenario(demo)) return;
  throw new FaultlineError('config_invalid', `--demo: there is no scenario "${demo}"; there are ${DEMO_SCENARIOS.join(', ')}`);
}
async function stopWithin(supervisor: Supervisor, dataDir: string): Promise<number> {
  say('stopping: taking no more telemetry, storing what is there');
  const late = setTimeout(() => {
    say('not stopped in time: ending; the journal keeps what was not stored yet');
    process.exit(0);
  }, STOP_MS);
  await supervisor.stop();
  clearTimeout(late);
  removeRuntime(dataDir, process.pid);
  return 0;
}

/** Resolves at the first SIGTERM or SIGINT. */
function stopSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => done());
    if (process.platform !== 'win32') process.on('SIGHUP', () => done());
    // A launcher that pipes our output may go first: writing to it then is no reason to end hard.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  });
}

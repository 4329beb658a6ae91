import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import { flagOf, type ListenerKey, TLS_LISTENERS } from '#contracts/listeners.ts';
import { type Address, type Config, configSchema, type Limits, limitsSchema, type Settings } from '#contracts/settings.ts';
import { defaultDataFolder } from './default-data-folder.ts';
import {
  parseAddress,
  parseDurability,
  parseFlush,
  parseGrpcServer,
  parsePromoted,
  parseRetention,
  parseSampling,
  parseSize,
  parseSloPeriod,
  parseSwitch,
  parseTimeZone,
  parseTranslation,
  parseUrls,
  valueAt,
} from './parse-values.ts';
import { readConfigFile } from './read-config-file.ts';
import { FORWARD_HEADERS_VARIABLE, readForward } from './read-forward.ts';
import { readTails } from './read-tails.ts';

/** Flags as commander gives them; absent ones are absent. */
export type SettingFlags = Partial<
  Record<Exclude<keyof Config, 'limits' | 'demo' | 'hostMetrics' | 'ui' | 'tail' | 'receivers'>, string>
> & {
  readonly tail?: readonly string[];
  readonly demo?: boolean | string;
  readonly hostMetrics?: boolean | string;
  readonly ui?: boolean;
  readonly config?: string;
};
export interface SettingsPlace {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly workingFolder: string;
}
const DEFAULT_FILE = 'faultline.yaml';
const HOST_METRICS_MS = 15_000;
const TEXT_KEYS = [
  'data',
  'api',
  'ingest',
  'otlpGrpc',
  'otlpGrpcServer',
  'syslog',
  'syslogTls',
  'syslogTimeZone',
  'fluent',
  'fluentTls',
  'fluentSharedKey',
  'statsd',
  'statsdFlush',
  'tlsCert',
  'tlsKey',
  'prometheusConfig',
  'rules',
  'alertmanagerConfig',
  'alertmanagers',
  'slo',
  'sloPeriod',
  'otlpTranslation',
  'otlpPromote',
  'retention',
  'maxSize',
  'durability',
  'compaction',
  'forward',
  'forwardHeadersFile',
  'tailFormat',
  'tailMultiline',
  'tailService',
  'token',
] as const satisfies readonly (keyof Config)[];
/** FAULTLINE_... names that are no setting. */
const OTHER_VARIABLES = ['FAULTLINE_CONFIG', 'FAULTLINE_SOURCE', FORWARD_HEADERS_VARIABLE];

const upper = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const truth = (name: string, text: string): boolean => {
  if (/^(?:1|true|yes|on)$/i.test(text)) return true;
  if (/^(?:0|false|no|off|)$/i.test(text)) return false;
  throw new FaultlineError('config_invalid', `${name}: "${text}" is neither true nor false`);
};

interface Layer {
  readonly config: Partial<Config>;
  /** How to name a key of this layer to the user. */
  readonly name: (key: string) => string;
  /** What relative paths are relative to. */
  readonly folder: string;
}

function limitsOf(environment: SettingsPlace['environment']): Partial<Limits> {
  const limits: Record<string, unknown> = {};
  for (const key of Object.keys(limitsSchema.parse({}))) {
    const name = `FAULTLINE_LIMITS_${upper(key)}`;
    const text = environment[name];
    // A table of sources is for the file.
    if (text === undefined || key === 'sources') continue;
    limits[key] = key === 'corsOrigins' ? text.split(',').map((part) => part.trim()) : Number(text);
    const checked = limitsSchema.safeParse({ [key]: limits[key] });
    if (!checked.success) throw new FaultlineError('config_invalid', `${name}: "${text}": ${checked.error.issues[0]?.message}`);
  }
  return limits as Partial<Limits>;
}
function environmentLayer({ environment, workingFolder }: SettingsPlace): Layer {
  const config: Record<string, unknown> = {};
  for (const key of TEXT_KEYS) {
    const text = environment[`FAULTLINE_${upper(key)}`];
    if (text !== undefined && text !== '') config[key] = text;
  }
  // As PATH lists folders: a comma may stand in {a,b}.
  if (environment['FAULTLINE_TAIL']) config['tail'] = environment['FAULTLINE_TAIL'].split(delimiter).filter((glob) => glob !== '');
  const { FAULTLINE_UI: ui, FAULTLINE_NO_UI: noUi, FAULTLINE_DEMO: demo, FAULTLINE_HOST_METRICS: hostMetrics } = environment;
  if (ui !== undefined) config['ui'] = truth('FAULTLINE_UI', ui);
  if (noUi !== undefined) config['ui'] = !truth('FAULTLINE_NO_UI', noUi);
  const truthOr = (name: string, text: string): boolean | string =>
    /^(?:1|true|yes|on|0|false|no|off|)$/i.test(text) ? truth(name, text) : text;
  if (demo !== undefined) config['demo'] = truthOr('FAULTLINE_DEMO', demo);
  if (hostMetrics !== undefined) config['hostMetrics'] = truthOr('FAULTLINE_HOST_METRICS', hostMetrics);
  config['limits'] = limitsOf(environment);
  return { config: config as Partial<Config>, name: (key) => `FAULTLINE_${upper(key)}`, folder: workingFolder };
}
function fileLayer(flags: SettingFlags, { environment, workingFolder }: SettingsPlace): Layer & { readonly file: string | null } {
  const asked = flags.config ?? environment['FAULTLINE_CONFIG'];
  const file = resolve(workingFolder, asked ?? DEFAULT_FILE);
  if (asked === undefined && !existsSync(file)) return { config: {}, name: (key) => key, folder: workingFolder, file: null };
  return { config: readConfigFile(file), name: (key) => `${file}: ${key}`, folder: dirname(file), file };
}

/** FAULTLINE_... variables that mean nothing: a misspelt setting must not be silent. */
export function unknownVariables(environment: SettingsPlace['environment']): string[] {
  const known = new Set([
    ...OTHER_VARIABLES,
    ...Object.keys(configSchema.shape).map((key) => `FAULTLINE_${upper(key)}`),
    'FAULTLINE_NO_UI',
    ...Object.keys(limitsSchema.parse({})).map((key) => `FAULTLINE_LIMITS_${upper(key)}`),
  ]);
  return Object.keys(environment).filter((name) => name.startsWith('FAULTLINE_') && !known.has(name));
}

export interface ReadSettings {
  readonly settings: Settings;
  /** faultline.yaml in force, null without one. */
  readonly configFile: string | null;
  /** No flag, variable or file names the data folder. */
  readonly defaultFolder: boolean;
  /** Settings that are understood but do nothing in this version, one sentence each. */
  readonly warnings: readonly string[];
}
/**
 * Flags win, then FAULTLINE_... variables, then faultline.yaml (--config, else in the working folder), then defaults.
 * @throws FaultlineError config_invalid naming the flag, variable or file and line at fault
 */
export function readSettings(flags: SettingFlags, place: SettingsPlace): ReadSettings {
  const { config: _, ...given } = flags;
  const file = fileLayer(flags, place);
  const layers: readonly Layer[] = [
    { config: given as Partial<Config>, name: flagOf, folder: place.workingFolder },
    environmentLayer(place),
    file,
  ];
  const defaults = configSchema.parse({});
  const layerOf = (key: keyof Config): Layer | undefined => layers.find((layer) => layer.config[key] !== undefined);
  const raw = <K extends keyof Config>(key: K): Config[K] => (layerOf(key)?.config[key] ?? defaults[key]) as Config[K];
  const parsed = <T>(key: keyof Config, parse: (text: string) => T): T =>
    valueAt(layerOf(key)?.name(key) ?? key, raw(key) as string, parse);
  const path = (
    key: 'data' | 'prometheusConfig' | 'rules' | 'slo' | 'alertmanagerConfig' | 'forwardHeadersFile' | 'tlsCert' | 'tlsKey',
  ): string | null => {
    const text = raw(key);
    return text ? resolve(layerOf(key)?.folder ?? place.workingFolder, text) : null;
  };
  const token = raw('token') ?? randomBytes(24).toString('base64url');
  if (!/^[\x21-\x7e]{16,}$/.test(token)) {
    throw new FaultlineError(
      'config_invalid',
      `${layerOf('token')?.name('token') ?? 'token'}: a token has 16 or more printable characters`,
    );
  }
  const demo = raw('demo');
  const hostMetrics = raw('hostMetrics');
  const listener = (key: ListenerKey): Address | null => (raw(key) === undefined ? null : parsed(key, parseAddress));
  const [certFile, keyFile] = [path('tlsCert'), path('tlsKey')];
  if ((certFile === null) !== (keyFile === null)) throw new FaultlineError('config_invalid', '--tls-cert and --tls-key go together');
  for (const key of TLS_LISTENERS)
    if (raw(key) !== undefined && certFile === null)
      throw new FaultlineError('config_invalid', `${layerOf(key)?.name(key)} needs --tls-cert and --tls-key, PEM files`);
  const settings: Settings = {
    dataDir: path('data') ?? defaultDataFolder(place.platform, place.environment, place.home, demo !== false),
    api: parsed('api', parseAddress),
    ingest: parsed('ingest', parseAddress),
    otlpGrpc: parsed('otlpGrpc', parseAddress),
    otlpGrpcServer: parsed('otlpGrpcServer', parseGrpcServer),
    listeners: {
      syslog: listener('syslog'),
      syslogTls: listener('syslogTls'),
      syslogTimeZone: parsed('syslogTimeZone', parseTimeZone),
      fluent: listener('fluent'),
      fluentTls: listener('fluentTls'),
      fluentSharedKey: raw('fluentSharedKey') ?? null,
      statsd: listener('statsd'),
      statsdFlushMs: parsed('statsdFlush', parseFlush),
      tls: certFile === null || keyFile === null ? null : { certFile, keyFile },
    },
    prometheusConfig: path('prometheusConfig'),
    rules: path('rules'),
    alertmanagerConfig: path('alertmanagerConfig'),
    receivers: raw('receivers') ?? {},
    alertmanagers: raw('alertmanagers') === undefined ? [] : parsed('alertmanagers', parseUrls),
    slo: path('slo'),
    sloPeriodMs: parsed('sloPeriod', parseSloPeriod),
    otlpNaming: { translation: parsed('otlpTranslation', parseTranslation), promote: parsed('otlpPromote', parsePromoted) },
    retentionSeconds: parsed('retention', parseRetention),
    maxSizeBytes: parsed('maxSize', parseSize),
    durability: parsed('durability', parseDurability),
    compaction: parsed('compaction', parseSwitch),
    ...(hostMetrics === false ? {} : { hostMetricsMs: hostMetrics === true ? HOST_METRICS_MS : parsed('hostMetrics', parseSampling) }),
    forward: readForward({
      value: raw('forward'),
      folder: layerOf('forward')?.folder ?? place.workingFolder,
      name: layerOf('forward')?.name('forward') ?? 'forward',
      headersFile: path('forwardHeadersFile'),
      environment: place.environment,
    }),
    tails: readTails({
      value: raw('tail'),
      folder: layerOf('tail')?.folder ?? place.workingFolder,
      name: layerOf('tail')?.name('tail') ?? 'tail',
      format: raw('tailFormat'),
      multiline: raw('tailMultiline'),
      service: raw('tailService'),
      nameOf: (key) => layerOf(key)?.name(key) ?? key,
    }),
    // An empty name is the default scenario.
    demo: demo === false ? null : demo === true ? '' : demo,
    token,
    ui: raw('ui'),
    limits: limitsSchema.parse({ ...(file.config.limits ?? {}), ...(layers[1]?.config.limits ?? {}) }),
  };
  return { settings, configFile: file.file, defaultFolder: path('data') === null, warnings: [] };
}

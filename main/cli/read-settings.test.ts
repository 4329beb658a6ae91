import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultDataFolder } from './default-data-folder.ts';
import { parseConfig } from './read-config-file.ts';
import { readSettings, type SettingFlags, type SettingsPlace, unknownVariables } from './read-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const place = (environment: SettingsPlace['environment'] = {}, workingFolder = '/work'): SettingsPlace => ({
  platform: 'linux',
  environment,
  home: '/home/ann',
  workingFolder,
});
const read = (flags: SettingFlags = {}, environment: SettingsPlace['environment'] = {}) => readSettings(flags, place(environment)).settings;
function file(text: string): string {
  const path = join(folder, `c${Math.floor(performance.now() * 1000)}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe('host metrics', () => {
  it.each<[SettingFlags, SettingsPlace['environment'], number | undefined]>([
    [{}, {}, undefined],
    [{ hostMetrics: true }, {}, 15_000],
    [{ hostMetrics: '1m' }, {}, 60_000],
    [{}, { FAULTLINE_HOST_METRICS: 'on' }, 15_000],
    [{}, { FAULTLINE_HOST_METRICS: '5s' }, 5_000],
    [{}, { FAULTLINE_HOST_METRICS: '0' }, undefined],
  ])('%j %j', (flags, environment, ms) => expect(read(flags, environment).hostMetricsMs).toBe(ms));
  it('have bounds', () => expect(() => read({ hostMetrics: '11m' })).toThrow('--host-metrics: "11m" is not an interval from 1s to 10m'));
});

describe('files to tail', () => {
  it('by flags: one glob each, relative to the working folder, with shared rules', () => {
    const { tails } = read({ tail: ['logs/*.log', '/var/log/{a,b}'], tailFormat: 'json', tailMultiline: 'indent', tailService: 'shop' });
    const shared = {
      exclude: [],
      format: 'json',
      multiline: { by: 'indent' },
      multilineMs: 1_000,
      service: 'shop',
      from: 'beginning',
      zone: 'local',
    };
    expect(tails).toEqual([
      { pattern: '/work/logs/*.log', ...shared },
      { pattern: '/var/log/{a,b}', ...shared },
    ]);
  });
  it('by the environment: as PATH lists folders', () => {
    expect(read({}, { FAULTLINE_TAIL: '/a/*.log:b' }).tails?.map(({ pattern }) => pattern)).toEqual(['/a/*.log', '/work/b']);
  });
  it('by the file: a glob, a list, or entries with rules of their own', () => {
    expect(read({ config: file('tail: x.log') }).tails).toMatchObject([
      { pattern: join(folder, 'x.log'), format: 'auto', multiline: { by: 'line' } },
    ]);
    const entry =
      "{path: /l/*, exclude: /l/*.gz, multiline: '^\\d', multilineTimeout: 5s, service: s, from: end, zone: utc, format: logfmt}";
    expect(read({ config: file(`tailFormat: json\ntail: [/a, ${entry}]`) }).tails).toEqual([
      expect.objectContaining({ pattern: '/a', format: 'json' }),
      {
        pattern: '/l/*',
        exclude: ['/l/*.gz'],
        format: 'logfmt',
        multiline: { by: 'start', pattern: '^\\d' },
        multilineMs: 5_000,
        service: 's',
        from: 'end',
        zone: 'utc',
      },
    ]);
  });
  it.each<[SettingFlags, string]>([
    [{ tail: ['~/x.log'] }, '--tail: "~/x.log": write the folder out'],
    [{ tail: ['{a,b}'.repeat(9)] }, 'is no glob: it stands for more than 64 patterns'],
    [{ tail: ['a', 'a'] }, 'is there twice'],
    [{ tail: ['a'], tailFormat: 'xml' }, '--tail-format: "xml" is none of auto, plain, json, logfmt'],
    [{ tail: ['a'], tailMultiline: '(' }, '--tail-multiline: "(" is neither off, indent nor a regular expression'],
    [{ tail: Array.from({ length: 65 }, (_, i) => `${i}`) }, 'at most 64 globs'],
  ])('%j is refused', (flags, says) => expect(() => read(flags)).toThrow(says));
});

describe('where settings come from', () => {
  it('defaults are the contract', () => {
    const settings = read();
    expect(settings).toMatchObject({
      dataDir: '/home/ann/.local/share/faultline',
      api: { host: '127.0.0.1', port: 4400 },
      ingest: { host: '127.0.0.1', port: 4318 },
      otlpGrpc: { host: '127.0.0.1', port: 4317 },
      otlpGrpcServer: 'http2',
      prometheusConfig: null,
      retentionSeconds: 604_800,
      maxSizeBytes: 20e9,
      durability: 'sync',
      compaction: true,
      demo: null,
      ui: true,
    });
    expect(settings.token).toMatch(/^[\w-]{32}$/);
    expect(read().token).not.toBe(settings.token);
  });
  it.each<[string, SettingFlags, SettingsPlace['environment'], string, boolean]>([
    ['a demo has a folder of its own', { demo: true }, {}, '/home/ann/.local/share/faultline-demo', true],
    ['whoever asks for it', {}, { FAULTLINE_DEMO: 'bad_deploy' }, '/home/ann/.local/share/faultline-demo', true],
    ['but for a folder that is named', { demo: true, data: 'mine' }, {}, '/work/mine', false],
    ['by anybody', { demo: true }, { FAULTLINE_DATA: '/theirs' }, '/theirs', false],
    ['and no demo is none', { demo: false }, {}, '/home/ann/.local/share/faultline', true],
  ])('%s', (_what, flags, environment, dataDir, defaultFolder) => {
    const found = readSettings(flags, place(environment));
    expect([found.settings.dataDir, found.defaultFolder]).toEqual([dataDir, defaultFolder]);
  });
  it('flags win over the environment, that over the file, that over defaults', () => {
    const config = file('retention: 1d\nmaxSize: 1GB\ndurability: none\n');
    const environment = { FAULTLINE_CONFIG: config, FAULTLINE_RETENTION: '2d', FAULTLINE_MAX_SIZE: '2GB' };
    expect(read({ retention: '3d' }, environment)).toMatchObject({ retentionSeconds: 259_200, maxSizeBytes: 2e9, durability: 'none' });
  });
  it('listeners are off, and on the loopback address when only a port is said', () => {
    expect(read().listeners).toEqual({
      ...{
        syslog: null,
        syslogTls: null,
        syslogTimeZone: '',
        fluent: null,
        fluentTls: null,
        fluentSharedKey: null,
        statsd: null,
        statsdFlushMs: 10_000,
        tls: null,
      },
    });
    const config = file('syslogTls: ":6514"\ntlsCert: c.pem\ntlsKey: k.pem\n');
    const environment = { FAULTLINE_SYSLOG_TIME_ZONE: 'Europe/Berlin', FAULTLINE_FLUENT_SHARED_KEY: 'secret' };
    expect(
      read({ syslog: '5514', fluent: '[::1]:24224', statsd: ':8125', statsdFlush: '1m', fluentTls: '24284', config }, environment)
        .listeners,
    ).toEqual({
      fluent: { host: '::1', port: 24_224 },
      fluentTls: { host: '127.0.0.1', port: 24_284 },
      fluentSharedKey: 'secret',
      statsd: { host: '127.0.0.1', port: 8125 },
      statsdFlushMs: 60_000,
      syslog: { host: '127.0.0.1', port: 5514 },
      syslogTls: { host: '127.0.0.1', port: 6514 },
      syslogTimeZone: 'Europe/Berlin',
      tls: { certFile: join(folder, 'c.pem'), keyFile: join(folder, 'k.pem') },
    });
  });
  it('a key the file does not have is no default in disguise', () => {
    const config = file('retention: 1d\n');
    expect(read({ config }, { FAULTLINE_API: ':5000', FAULTLINE_LIMITS_MAX_DEPTH: '8' })).toMatchObject({
      api: { port: 5000 },
      limits: { maxDepth: 8 },
    });
  });
  it('limits of file and environment are put together', () => {
    const config = file('limits: {maxAttributes: 10, maxDepth: 4}\n');
    const { limits } = read(
      { config },
      { FAULTLINE_LIMITS_MAX_DEPTH: '8', FAULTLINE_LIMITS_CORS_ORIGINS: 'https://a.example, https://b.example' },
    );
    expect(limits).toMatchObject({ maxAttributes: 10, maxDepth: 8, corsOrigins: ['https://a.example', 'https://b.example'] });
  });
  it('paths are relative to where they were written', () => {
    const config = file('prometheusConfig: prom.yml\ndata: ./d\n');
    expect(read({ config })).toMatchObject({ prometheusConfig: join(folder, 'prom.yml'), dataDir: join(folder, 'd') });
    expect(read({ config, data: 'mine' })).toMatchObject({ dataDir: '/work/mine' });
  });
  it.each<[SettingFlags, SettingsPlace['environment'], string | null]>([
    [{}, {}, null],
    [{ demo: true }, {}, ''],
    [{ demo: 'bad-deploy' }, {}, 'bad-deploy'],
    [{}, { FAULTLINE_DEMO: '1' }, ''],
    [{}, { FAULTLINE_DEMO: 'memory-leak' }, 'memory-leak'],
    [{}, { FAULTLINE_DEMO: 'off' }, null],
  ])('demo by %j %j is %j', (flags, environment, demo) => expect(read(flags, environment).demo).toBe(demo));
  it.each<[SettingFlags, SettingsPlace['environment'], boolean]>([
    [{ ui: false }, {}, false],
    [{}, { FAULTLINE_NO_UI: '1' }, false],
    [{}, { FAULTLINE_UI: 'no' }, false],
    [{ ui: true }, { FAULTLINE_NO_UI: '1' }, true],
  ])('ui by %j %j is %s', (flags, environment, ui) => expect(read(flags, environment).ui).toBe(ui));
  it('the file of the working folder is used without being asked for', () => {
    writeFileSync(join(folder, 'faultline.yaml'), 'retention: off\n');
    const { settings, configFile } = readSettings({}, place({}, folder));
    expect([settings.retentionSeconds, configFile]).toEqual([0, join(folder, 'faultline.yaml')]);
  });
  it('names what is set and does nothing', () => {
    expect(read({ rules: 'x/*.yml' }).rules).toBe('/work/x/*.yml');
    expect(unknownVariables({ FAULTLINE_RETENTON: '1d', FAULTLINE_API: '1', FAULTLINE_LIMITS_MAX_DEPTH: '1', PATH: '' })).toEqual([
      'FAULTLINE_RETENTON',
    ]);
  });
  it.each([
    ['linux', {}, '/home/ann/.local/share/faultline'],
    ['linux', { XDG_DATA_HOME: '/x' }, '/x/faultline'],
    ['darwin', {}, '/home/ann/Library/Application Support/Faultline'],
  ] as const)('data folder on %s %j', (platform, environment, path) =>
    expect(defaultDataFolder(platform, environment, '/home/ann')).toBe(path),
  );
});

describe('what is refused, and where it says it is', () => {
  it.each<[string, string]>([
    ['retention: 7d\nretenton: 8d\n', 'f.yaml:2: retenton: there is no such key'],
    ['limits:\n  maxDepth: -1\n', 'f.yaml:2: limits.maxDepth: '],
    ['\n\nui: perhaps\n', 'f.yaml:3: ui: '],
    ['limits:\n  corsOrigins:\n    - 1\n', 'f.yaml:2: limits.corsOrigins.0: '],
    ['a: [1\n', 'f.yaml:'],
    ['- a list\n', 'f.yaml:1: (file): '],
    ['retention: 7d\nretention: 8d\n', 'f.yaml:2: '],
  ])('%j', (text, says) => expect(() => parseConfig(text, 'f.yaml')).toThrow(says));
  it('all faults at once', () => {
    expect(() => parseConfig('api: 1\nui: 2\n', 'f')).toThrow(/f:1: api.*\nf:2: ui/);
  });
  it('an alias bomb is refused', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}\n`;
    expect(() => parseConfig(bomb, 'f')).toThrow();
  });
  it.each<[SettingFlags, SettingsPlace['environment'], string]>([
    [{ api: 'x' }, {}, '--api: "x" is not HOST:PORT'],
    [{ otlpGrpc: 'x' }, {}, '--otlp-grpc: '],
    [{ otlpGrpcServer: 'grpcjs' }, {}, '--otlp-grpc-server: "grpcjs" is not http2 or grpc-js'],
    [{}, { FAULTLINE_COMPACTION: 'maybe' }, 'FAULTLINE_COMPACTION: "maybe" is not on or off'],
    [{}, { FAULTLINE_OTLP_GRPC_SERVER: 'h2' }, 'FAULTLINE_OTLP_GRPC_SERVER: '],
    [{ syslog: 'x' }, {}, '--syslog: "x" is not HOST:PORT'],
    [{ syslogTls: '6514' }, {}, '--syslog-tls needs --tls-cert and --tls-key'],
    [{ fluentTls: '24284' }, {}, '--fluent-tls needs --tls-cert and --tls-key'],
    [{ statsdFlush: '0.5s' }, {}, '--statsd-flush: "0.5s" is not a time from 1s to 10m'],
    [{ tlsKey: 'k' }, {}, '--tls-cert and --tls-key go together'],
    [{}, { FAULTLINE_SYSLOG_TIME_ZONE: 'Mars/Base' }, 'FAULTLINE_SYSLOG_TIME_ZONE: "Mars/Base" is not local or a time zone'],
    [{}, { FAULTLINE_OTLP_GRPC: 'x' }, 'FAULTLINE_OTLP_GRPC: '],
    [{}, { FAULTLINE_UI: 'perhaps' }, 'FAULTLINE_UI: '],
    [{}, { FAULTLINE_LIMITS_MAX_DEPTH: 'deep' }, 'FAULTLINE_LIMITS_MAX_DEPTH: '],
    [{ token: 'has a space in it' }, {}, '--token: '],
    [{ config: '/no/such/file.yaml' }, {}, 'cannot read /no/such/file.yaml'],
  ])('%j %j', (flags, environment, says) => {
    expect(() => read(flags, environment)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(says) }),
    );
  });
});

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import { FORMATS } from '#contracts/file-formats.ts';
import { childHost } from '#main/supervisor/child-host.ts';
import type { AlertingRouteFlags } from './alerting-command.ts';
import type { ExportFlags } from './export-command.ts';
import type { ImportFlags } from './import-command.ts';
import type { LimitsFlags } from './limits-command.ts';
import type { ModelsFlags } from './models-command.ts';
import { parseCount, ValueError } from './parse-values.ts';
import type { PromqlFlags } from './query-promql.ts';
import type { SettingFlags } from './read-settings.ts';
import type { ReplayFlags } from './replay-command.ts';
import type { RulesCheckFlags, RulesTestFlags } from './rules-command.ts';
import { addServeOptions } from './serve-options.ts';
import type { SloFlags } from './slo-command.ts';
import { version } from './version.ts';
import type { VolumeFlags } from './volume-command.ts';
import type { InstanceFlags } from './with-console.ts';

/** Exit codes of every command (contract). */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3 } as const;

/** Settings a user wrote wrong are usage, whatever the place he wrote them in. */
const USAGE_CODES: readonly string[] = ['config_invalid', 'bad_request'];
const LIMIT_ACTIONS = ['list', 'set', 'remove'] as const;
const TIME_HELP = 'T is RFC 3339, Unix seconds, now or now-15m.';

/** For commander, which names the flag before what this says. */
function countOf(text: string): number {
  try {
    return parseCount(text);
  } catch (error) {
    throw error instanceof ValueError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
}
const withInstance = (command: Command): Command =>
  command
    .option('--data <DIR>', 'data folder; a running instance on it is used, else one is started for the command')
    .option('--api <URL>', 'console to talk to, with --token')
    .option('--token <T>', 'its API token')
    .addHelpText('after', '\nWith neither --data nor --api: the running instance on the default data folder, else that folder.');

function addServe(program: Command, done: (code: number) => void): void {
  addServeOptions(program.command('serve').description('run collector, engine and console; one JSON line on stdout when ready'))
    .addHelpText(
      'after',
      '\nEvery flag is also a key of faultline.yaml and a variable FAULTLINE_...; flags win, then environment, then file.',
    )
    .action(async (flags: SettingFlags) => {
      // Ports open sooner: collector and engine load their code while this process loads what settings need.
      const host = childHost(['collector', 'engine']);
      done(await (await import('./serve.ts')).serve(flags, host));
    });
}
const importHelp = (): string =>
  `
Formats, also compressed with gzip or zstd:
${Object.entries(FORMATS)
  .map(([format, says]) => `  ${format.padEnd(18)} ${says}`)
  .join('\n')}

What was imported before is left out, and so is what an interrupted import had taken already.
Exit code 3: done, but some records were refused; they are listed, and all are counted.`;
function addImport(program: Command, done: (code: number) => void): void {
  withInstance(
    program
      .command('import')
      .description('take in files or folders of any known format, told by their content: OTLP, Jaeger, Zipkin, Prometheus, logs, tables'),
  )
    .argument('<PATH...>', 'files and folders, or - for stdin')
    .option('--retention <TIME>', 'for a data folder not in use: what is older is dropped (default off)')
    .option('--format <FORMAT>', 'what the files are, where their content does not tell')
    .option('--map <ROLES>', 'columns of a table: kind=logs|metrics|spans,time=COLUMN,body=COLUMN,value=A+B ...')
    .option('--again', 'import once more what was imported before')
    .option('--json', 'one JSON result per file on stdout')
    .addHelpText('after', () => importHelp())
    .action(async (paths: string[], flags: ImportFlags) => done(await (await import('./import-command.ts')).importPaths(paths, flags)));
}
function addQuery(program: Command, done: (code: number) => void): void {
  const query = program.command('query').description('ask the stored telemetry');
  withInstance(query.command('sql').description('one SELECT over the documented views (docs/data-dictionary.md)'))
    .argument('<EXPR>', 'the statement, or - for stdin')
    .addOption(new Option('--format <FORMAT>', 'form of the answer').choices(['table', 'json', 'csv', 'arrow']).default('table'))
    .option('--max-rows <N>', 'most rows to answer', countOf)
    .action(async (sql: string, flags: InstanceFlags & { format: 'table' | 'json' | 'csv' | 'arrow'; maxRows?: number }) =>
      done(await (await import('./query-sql.ts')).querySql(sql, flags)),
    );
  addPromql(query, done);
}
function addPromql(query: Command, done: (code: number) => void): void {
  withInstance(query.command('promql').description('PromQL over all metrics, at one time or over a range'))
    .argument('<EXPR>', 'the expression')
    .option('--time <T>', 'when (default now)')
    .option('--start <T>', 'start of a range (default an hour ago)')
    .option('--end <T>', 'end of a range (default now)')
    .option('--step <S>', 'seconds or 1m (default: 250 points)')
    .addOption(new Option('--format <FORMAT>', 'form of the answer').choices(['table', 'json', 'csv']).default('table'))
    .addHelpText('after', `\n${TIME_HELP}`)
    .action(async (text: string, flags: PromqlFlags) => done(await (await import('./query-promql.ts')).queryPromql(text, flags)));
}
function addRca(program: Command, done: (code: number) => void): void {
  withInstance(program.command('rca').description('rank the causes of what went wrong in a window'))
    .requiredOption('--start <T>', 'start of the window')
    .requiredOption('--end <T>', 'end of the window')
    .option('--service <NAME>', 'the service that showed the symptom')
    .option('--top <N>', 'most candidates to answer', countOf)
    .option('--json', 'the whole answer as JSON')
    .addHelpText('after', `\n${TIME_HELP}`)
    .action(async (flags: InstanceFlags & { start: string; end: string; service?: string; top?: number; json?: boolean }) =>
      done(await (await import('./rca-command.ts')).rca(flags)),
    );
}
function addIncidents(program: Command, done: (code: number) => void): void {
  withInstance(program.command('incidents').description('the incidents there are, open ones first: id, what happened, its cause'))
    .option('--json', 'as JSON')
    .action(async (flags: InstanceFlags & { json?: boolean }) => done(await (await import('./incidents-command.ts')).incidents(flags)));
}
function addExplain(program: Command, done: (code: number) => void): void {
  withInstance(program.command('explain').description('tell an incident in words; a local model, if one is set, is asked and checked'))
    .argument('<INCIDENT>', 'id of the incident (faultline incidents lists them)')
    .option('--again', 'ask the model even if it answered this very question before')
    .option('--deadline <SECONDS>', 'longest wait for the model', countOf)
    .option('--json', 'the whole answer as JSON')
    .action(async (incident: string, flags: InstanceFlags & { again?: boolean; deadline?: number; json?: boolean }) =>
      done(await (await import('./explain-command.ts')).explain(incident, flags)),
    );
}
function addPostmortem(program: Command, done: (code: number) => void): void {
  const command = withInstance(program.command('postmortem').description('the postmortem of an incident as a file, every number verified'))
    .argument('<INCIDENT>', 'id of the incident (faultline incidents lists them)')
    .addOption(new Option('--format <FORMAT>', 'form of the file').choices(['md', 'html', 'json']).default('md'))
    .option('--out <FILE>', 'write it there instead of stdout')
    .addOption(new Option('--draft [LOCALE]', 'write the first draft when there is none').choices(['en', 'zh']))
    .addHelpText('after', '\nExit code 3: written, but some numbers changed or could not be checked; its verification lists them.')
    .action(async (incident: string, flags: InstanceFlags & { format: 'md' | 'html' | 'json'; out?: string; draft?: boolean | string }) =>
      done(await (await import('./postmortem-command.ts')).postmortem(incident, flags)),
    );
  withInstance(command.command('list').description('the postmortems there are'))
    .option('--json', 'as JSON')
    .action(async (_: unknown, list: Command) =>
      // --data and --api belong to both commands; the outer one takes them.
      done(await (await import('./postmortem-command.ts')).listPostmortems(list.optsWithGlobals())),
    );
}
function addModels(program: Command, done: (code: number) => void): void {
  const models = program.command('models').description('local language models: files somebody added; none is ever downloaded');
  const command = () => import('./models-command.ts');
  withInstance(models.command('list').description('what was added; * is the one that is asked'))
    .option('--json', 'as JSON')
    .action(async (flags: ModelsFlags) => done(await (await command()).listModels(flags)));
  withInstance(
    models.command('add').description('check a GGUF file (header, SHA-256, memory) and ask it from now on; it is used where it lies'),
  )
    .argument('[FILE]', 'the GGUF file')
    .option('--demo', 'make and add the demo model: random weights, proves the path, knows nothing')
    .option('--json', 'the added model as JSON')
    .action(async (file: string | undefined, flags: ModelsFlags & { demo?: boolean }) =>
      done(await (await command()).addModel(file, flags)),
    );
  withInstance(models.command('remove').description('forget a model; its file stays'))
    .argument('<SHA256>', 'its SHA-256, or the beginning of it')
    .option('--json', 'what is left as JSON')
    .action(async (sha256: string, flags: ModelsFlags) => done(await (await command()).removeModel(sha256, flags)));
}
function addExport(program: Command, done: (code: number) => void): void {
  const exports = program.command('export').description('telemetry as files for other tools');
  withInstance(
    exports.command('parquet').description('Parquet, one file a table, day and service, with a manifest of counts, sums and SHA-256'),
  )
    .requiredOption('--out <DIR>', 'an empty folder, or one with an unfinished export to go on with')
    .option('--start <T>', 'first event time (default: all there is)')
    .option('--end <T>', 'event time it ends before')
    .option('--signals <LIST>', 'of traces,logs,metrics (default: all)')
    .option('--json', 'the manifest as JSON')
    .addHelpText('after', `\n${TIME_HELP}`)
    .action(async (flags: ExportFlags) => done(await (await import('./export-command.ts')).exportTelemetry(flags)));
}
function addPrices(program: Command, done: (code: number) => void): void {
  withInstance(program.command('prices').description('price lists: show them, set an own one (CSV or JSON), clear it'))
    .argument('[ACTION]', 'show, set or clear', 'show')
    .argument(
      '[FILE]',
      'for set: columns currency, cpu_core_hour, memory_gib_hour, from (day); optional provider, region, instance_type, node',
    )
    .option('--json', 'the lists as JSON')
    .action(async (action: string, file: string | undefined, flags: InstanceFlags & { json?: boolean }) => {
      if (!['show', 'set', 'clear'].includes(action))
        throw new FaultlineError('bad_request', `There is no "prices ${action}": show, set or clear.`);
      if ((action === 'set') !== (file !== undefined))
        throw new FaultlineError('bad_request', 'A FILE goes with "prices set", and only with it.');
      done(await (await import('./prices-command.ts')).prices(action as 'show' | 'set' | 'clear', file ?? null, flags));
    });
}
function addVolume(program: Command, done: (code: number) => void): void {
  withInstance(program.command('volume').description('who fills the disk: rows, bytes and series of a window, largest first'))
    .addOption(
      new Option('--by <WHAT>', 'breakdown')
        .choices(['metric', 'label', 'value', 'metric-service', 'trace-service', 'span', 'log-service', 'pattern'])
        .default('metric'),
    )
    .option('--metric <NAME>', 'only this metric (label, value)')
    .option('--label <NAME>', 'the label whose values are counted (value)')
    .option('--service <NAME>', 'only this service')
    .option('--start <T>', 'start of the window', 'now-1h')
    .option('--end <T>', 'end of the window', 'now')
    .option('--json', 'as JSON')
    .addHelpText('after', `\n${TIME_HELP}`)
    .action(async (flags: VolumeFlags) => done(await (await import('./volume-command.ts')).volume(flags)));
}
function addRules(program: Command, done: (code: number) => void): void {
  const rules = program.command('rules').description('Prometheus rule files: check them, run their tests, replay them over the past');
  rules
    .command('check')
    .description('whether rule files are as they must be; what is wrong is told with line and column')
    .argument('<FILE...>', 'rule files, or PrometheusRule resources of the operator')
    .option('--ignore-unknown-fields', 'pass over keys that are not known')
    .option('--lint-fatal', 'rules that write the same series are an error')
    .action(async (files: string[], flags: RulesCheckFlags) => done((await import('./rules-command.ts')).checkRules(files, flags)));
  rules
    .command('test')
    .description("run test files in promtool's format: input series, expected alerts and samples")
    .argument('<FILE...>', 'test files')
    .option('--run <PATTERN...>', 'only tests whose name fits')
    .option('--ignore-unknown-fields', 'pass over keys of rule files that are not known')
    .action(async (files: string[], flags: RulesTestFlags) => done(await (await import('./rules-command.ts')).testRules(files, flags)));
  withInstance(rules.command('replay').description('what rules would have done in the past: firings, pages, incidents caught and missed'))
    .argument('[FILE]', 'a rule file; without one the rules that are evaluated now')
    .requiredOption('--start <T>', 'start of the window')
    .requiredOption('--end <T>', 'end of the window')
    .option('--alert <NAME>', 'only the group with this alert, which a sweep varies')
    .option('--interval <TIME>', 'of groups that say none (default: as live)')
    .option('--sweep <SPEC...>', 'for=1m,5m,10m and threshold=FROM:TO:STEP or threshold=1,2,5')
    .option('--alertmanager-config <FILE>', 'routes to send by (default: those in force)')
    .option('--truth <START..END...>', 'what should have been paged, beside the incidents on record')
    .option('--json', 'the whole answer as JSON')
    .addHelpText('after', `\n${TIME_HELP}`)
    .action(async (file: string | undefined, flags: ReplayFlags) => done(await (await import('./replay-command.ts')).replay(file, flags)));
}
function addSlo(program: Command, done: (code: number) => void): void {
  const slo = program.command('slo').description('service level objectives: files of Sloth and OpenSLO');
  const withPeriod = (command: Command): Command =>
    command
      .argument('<FILE...>', "Sloth's (prometheus/v1, PrometheusServiceLevel, AlertWindows) or OpenSLO's (v1, v1alpha)")
      .option('--default-slo-period <TIME>', "period of Sloth's files: 30d, 28d or 7d", '30d');
  withPeriod(slo.command('check').description('whether files are as they must be; what is wrong is told with line and column')).action(
    async (files: string[], flags: SloFlags) => done((await import('./slo-command.ts')).checkSlos(files, flags)),
  );
  withPeriod(slo.command('rules').description('the Prometheus rule file of objectives, as Sloth generates it'))
    .option('--extra-labels <NAME=VALUE...>', 'on every recorded series')
    .action(async (files: string[], flags: SloFlags) => done((await import('./slo-command.ts')).printSloRules(files, flags)));
}
function addAlerting(program: Command, done: (code: number) => void): void {
  const alerting = program.command('alerting').description('alertmanager.yml files: check them, ask where an alert goes');
  alerting
    .command('check')
    .description('whether files are as Alertmanager wants them; what is wrong is told in its words, with line and column')
    .argument('<FILE...>', 'alertmanager.yml files')
    .action(async (files: string[]) => done((await import('./alerting-command.ts')).checkConfigs(files)));
  alerting
    .command('route')
    .description('the receivers of an alert with these labels')
    .argument('<FILE>', 'alertmanager.yml')
    .argument('[LABEL=VALUE...]', 'labels of the alert')
    .option('--explain', 'also the routes, their groups and waits')
    .option('--verify-receivers <LIST>', 'fail unless these are the receivers: a,b')
    .action(async (file: string, labels: string[], flags: AlertingRouteFlags) =>
      done((await import('./alerting-command.ts')).routeAlert(file, labels, flags)),
    );
}
function addLimits(program: Command, done: (code: number) => void): void {
  withInstance(
    program.command('limits').description('hard limits by source: active series and bytes a day (UTC), items a second, and what is used'),
  )
    .argument('[ACTION]', 'list, set or remove', 'list')
    .argument('[SOURCE]', 'as on the Sources page, * for any characters: otlp-http, "scrape:*", "otlp-grpc service=cart"')
    .option('--max-series <N>', 'series with points that arrived today; points of further ones are dropped')
    .option('--max-bytes-per-day <SIZE>', 'bytes as journaled: 5GB; what goes over it is refused')
    .option('--items-per-second <N>', 'spans, log records, points; beyond it 429')
    .option('--json', 'as JSON')
    .action(async (action: string, source: string | undefined, flags: LimitsFlags) => {
      const known = LIMIT_ACTIONS.find((each) => each === action);
      if (!known) throw new FaultlineError('bad_request', `There is no "limits ${action}": ${LIMIT_ACTIONS.join(', ')}.`);
      if ((known === 'list') !== (source === undefined))
        throw new FaultlineError('bad_request', 'A SOURCE goes with "limits set" and "limits remove", and only with them.');
      done(await (await import('./limits-command.ts')).limits(known, source ?? null, flags));
    });
}
function addSmall(program: Command, done: (code: number) => void): void {
  withInstance(program.command('flush').description('make everything acknowledged so far queryable'))
    .option('--durable', 'and write it to the day files')
    .action(async (flags: InstanceFlags & { durable?: boolean }) => done(await (await import('./flush-command.ts')).flush(flags)));
  program
    .command('doctor')
    .description('check this machine: Node, packages, build, data folder, ports, disk')
    .option('--data <DIR>', 'data folder to check')
    .option('--json', 'the findings as JSON')
    .action(async (flags: { data?: string; json?: boolean }) => done(await (await import('./doctor.ts')).doctor(flags)));
}

/** Runs one command line; resolves with the exit code. Never throws. */
export async function runCli(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const done = (result: number): void => {
    code = result;
  };
  const program = new Command('faultline')
    .description('From the first byte of telemetry to a verified postmortem, on one machine.')
    .version(version(), '--version')
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', '\nExit codes: 0 ok, 1 failed, 2 usage, 3 finished but something was refused. Data on stdout, talk on stderr.');
  for (const add of [
    addServe,
    addImport,
    addQuery,
    addRca,
    addPrices,
    addIncidents,
    addExplain,
    addPostmortem,
    addModels,
    addExport,
    addVolume,
    addRules,
    addSlo,
    addAlerting,
    addLimits,
    addSmall,
  ])
    add(program, done);
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) command.exitOverride();
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return explain(error);
  }
}
function explain(error: unknown): number {
  // Help and version are no failure; the rest commander has already said.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(error instanceof FaultlineError)) {
    process.stderr.write(`faultline: ${error instanceof Error ? error.stack : error}\n`);
    return EXIT.failed;
  }
  const { todo } = ERRORS[error.code];
  const hint = todo && !error.message.includes(todo) && !SELF_EXPLAINED.includes(error.code) ? ` ${todo}` : '';
  process.stderr.write(`faultline: ${error.message}${hint}\n`);
  return USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed;
}
/** Their messages already say where, or what to do. */
const SELF_EXPLAINED: readonly string[] = ['not_found', 'config_invalid', 'bad_request', 'port_taken'];

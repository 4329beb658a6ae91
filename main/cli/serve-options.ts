import { Command, Option } from 'commander';
import { DEMO_SCENARIOS } from '#demo/scenarios.ts';
import type { SettingFlags } from './read-settings.ts';

/** The flags of `faultline serve`, on any command: the desktop shell takes the same ones. */
export const addServeOptions = (command: Command): Command =>
  command
    .option('--data <DIR>', "data folder (default: the platform's application-data folder)")
    .option('--api <HOST:PORT>', 'console and API (default 127.0.0.1:4400; port 0 picks a free one)')
    .option('--ingest <HOST:PORT>', 'OTLP/HTTP (default 127.0.0.1:4318)')
    .option('--otlp-grpc <HOST:PORT>', 'OTLP/gRPC (default 127.0.0.1:4317)')
    .option('--otlp-grpc-server <NAME>', 'what serves it: http2, or grpc-js for clients it does not suit (default http2)')
    .option('--syslog <HOST:PORT>', 'syslog by UDP and TCP, RFC 5424 and 3164 (default: off; a port alone means 127.0.0.1)')
    .option('--syslog-tls <HOST:PORT>', 'syslog by TLS (default: off), with --tls-cert and --tls-key')
    .option('--syslog-time-zone <ZONE>', 'zone of RFC 3164 times: local, or a name such as Europe/Berlin (default local)')
    .option('--fluent <HOST:PORT>', 'Fluent Forward by TCP, from Fluentd and Fluent Bit (default: off)')
    .option('--fluent-tls <HOST:PORT>', 'the same by TLS (default: off), with --tls-cert and --tls-key')
    .option('--fluent-shared-key <KEY>', 'shared key its senders must have (better FAULTLINE_FLUENT_SHARED_KEY)')
    .option('--statsd <HOST:PORT>', 'StatsD and DogStatsD by UDP and TCP (default: off)')
    .option('--statsd-flush <TIME>', 'how often they become points: 1s to 10m (default 10s)')
    .option('--tls-cert <FILE>', 'certificate for --syslog-tls and --fluent-tls, PEM')
    .option('--tls-key <FILE>', 'its private key, PEM')
    .option('--prometheus-config <FILE>', 'prometheus.yml to scrape by')
    .option('--rules <GLOB>', 'Prometheus rule files to evaluate, read again when they change')
    .option('--alertmanager-config <FILE>', 'alertmanager.yml to notify by, read again when it changes (default: one route to the desktop)')
    .option('--alertmanagers <URL,...>', 'Alertmanagers that alerts of rules are sent to as well (default: nothing leaves)')
    .option('--slo <GLOB>', 'service level objectives (Sloth, OpenSLO) to evaluate, read again when they change')
    .option('--slo-period <TIME>', "period of Sloth's objectives: 30d, 28d or 7d (default 30d)")
    .option(
      '--otlp-translation <NAME>',
      "names of OTLP in PromQL, by Prometheus' translation_strategy (default UnderscoreEscapingWithSuffixes)",
    )
    .option(
      '--otlp-promote <KEY,...>',
      'resource attributes on every OTLP series; all, none (default service.version,deployment.environment.name)',
    )
    .option('--retention <TIME>', 'how long telemetry is kept: 36h, 7d, off (default 7d)')
    .option('--max-size <SIZE>', 'size at which the oldest days go: 500MB, 20GB (default 20GB)')
    .option('--durability <MODE>', 'when the journal is synced: sync, 100ms, none (default sync)')
    .option('--compaction <MODE>', 'whether stored samples become blocks per series: on, off (default on)')
    .option('--forward <URL,...>', 'send everything on to these OTLP/HTTP addresses (default: nothing leaves)')
    .option('--forward-headers-file <FILE>', 'headers for --forward, one "Name: value" a line (or FAULTLINE_FORWARD_HEADERS)')
    .option('--tail <GLOB>', 'read these files as they grow, rotation and all; once for each glob', (glob: string, all: string[] = []) => [
      ...all,
      glob,
    ])
    .option('--tail-format <FORMAT>', 'auto (each line by its look), plain, json or logfmt (default auto)')
    .option('--tail-multiline <RULE>', 'off, indent (indented lines go on) or a pattern that begins a record (default off)')
    .option('--tail-service <NAME>', "service.name of the lines (default: the file's name)")
    .option('--host-metrics [INTERVAL]', 'measure this machine: CPU, memory, disks, network, own processes (default: every 15s)')
    .option('--demo [SCENARIO]', `start the demo shop in which something goes wrong: ${DEMO_SCENARIOS.join(', ')}`)
    .option('--token <T>', 'API token, 16 or more characters (default: a new one)')
    .option('--config <FILE>', 'faultline.yaml (default: the one in the working folder, if any)')
    .addOption(new Option('--no-ui', 'do not serve the console page').default(undefined));

/** Those flags in a command line that may hold others too (Electron's switches, a deep link). */
export function readServeFlags(args: readonly string[]): SettingFlags {
  const command = addServeOptions(new Command('faultline')).allowUnknownOption().allowExcessArguments().exitOverride();
  return command.parse(args, { from: 'user' }).opts<SettingFlags>();
}

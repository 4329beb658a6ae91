import { FaultlineError } from '#contracts/errors.ts';
import type { Settings } from '#contracts/settings.ts';
import { describePortOwner, findFreePort } from '#main/collector/port-owner.ts';
import type { Runtime } from './runtime-file.ts';

const FLAGS = { api: '--api', ingest: '--ingest', otlpGrpc: '--otlp-grpc' } as const;

/** Completes what kept the console from starting with what this machine shows. Other errors come back as they are. */
export async function explainStart(error: FaultlineError, settings: Settings, running: Runtime | null): Promise<FaultlineError> {
  if (!(error instanceof FaultlineError)) return error;
  if (error.code === 'port_taken') return explainTakenPort(error, settings);
  if (error.code !== 'data_dir_locked' || running === null) return error;
  return new FaultlineError(error.code, `${error.message} It listens at ${running.api}.`, { cause: error });
}
/** Which process has the port, and which one to take instead. */
async function explainTakenPort(error: FaultlineError, settings: Settings): Promise<FaultlineError> {
  // By the words "Port N": a bare number stands in the address too, and port 0 (any) is never the one that is taken.
  const name = (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).find((key) => error.message.includes(`Port ${settings[key].port} o`));
  if (!name) return error;
  const { host, port } = settings[name];
  const owner = describePortOwner(port);
  const free = await findFreePort(host, port);
  const parts = [
    `Port ${port} on ${host} (${FLAGS[name]}) is taken${owner ? ` by ${owner}` : ''}.`,
    free === null
      ? `Choose another with ${FLAGS[name]} ${host}:0.`
      : `Port ${free} is free: ${FLAGS[name]} ${host}:${free}, or :0 for any.`,
  ];
  return new FaultlineError('port_taken', parts.join(' '), { cause: error });
}

import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { EXPORT, message } from '../../conformance/grpc-clients.ts';
import type { Unit } from '../ledger.ts';
import { sleep } from '../rig.ts';
import type { Round, Scenario } from '../round.ts';
import type { Load, Target } from '../sender.ts';
import { itemsOf, LANES, type LaneKind, SERVICE_PREFIX, type UnitBody } from '../unit-bodies.ts';

/** Senders that nobody can be polite to. Each has its unit in the ledger: never sent whole ("cut"), or never told ("unanswered"). */
const KINDS = [
  'dribble',
  'half a body',
  'silent',
  'deaf',
  'gone at once',
  'half-closed',
  'bad chunk',
  'gRPC half a message',
  'gRPC gone',
] as const;
type Kind = (typeof KINDS)[number];
const LANE = 'otlp-http-traces';

function unitOf(load: Load, outcome: 'cut' | 'unanswered'): { readonly unit: Unit; readonly made: UnitBody } {
  const kind = LANES[LANE] as LaneKind;
  const unit = load.ledger.begin(`${LANE}, bad client`, null, (number) => itemsOf(kind, number, 12));
  unit.outcome = outcome;
  const atNano = BigInt(Date.now()) * 1_000_000n;
  return { unit, made: kind.make({ items: unit.items, timeOf: () => atNano, filler: '' }, `${SERVICE_PREFIX}${LANE}`) };
}
const headOf = (made: UnitBody, more: string): string =>
  `POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\n${Object.entries(made.headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}${more}\r\n\r\n`;

function socketTo(round: Round, { ingest }: Target): Socket {
  const socket = connect({ port: Number(new URL(ingest).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  round.atEnd(() => void socket.destroy());
  return socket;
}
async function dribble(socket: Socket, head: string, body: Uint8Array): Promise<void> {
  socket.write(head);
  for (let at = 0; at < body.length - 1 && !socket.destroyed; at += 7) {
    socket.write(body.subarray(at, Math.min(at + 7, body.length - 1)));
    await sleep(20);
  }
  socket.destroy();
}
function misbehave(round: Round, load: Load, target: Target, kind: Kind): void {
  if (kind.startsWith('gRPC')) {
    callBadly(round, load, target, kind);
    return;
  }
  const socket = socketTo(round, target);
  if (kind === 'silent') return;
  const whole = kind === 'deaf' || kind === 'gone at once' || kind === 'half-closed';
  const { made } = unitOf(load, whole ? 'unanswered' : 'cut');
  const head = headOf(made, kind === 'bad chunk' ? 'transfer-encoding: chunked' : `content-length: ${made.body.length}`);
  if (kind === 'dribble') void dribble(socket, head, made.body);
  else if (kind === 'bad chunk')
    socket.write(Buffer.concat([Buffer.from(`${head}${made.body.length.toString(16)}\r\n`), made.body, Buffer.from('zz')]));
  else if (kind === 'half a body') socket.write(Buffer.concat([Buffer.from(head), made.body.subarray(0, made.body.length / 2)]));
  else socket.write(Buffer.concat([Buffer.from(head), made.body]), () => finish(socket, kind));
}
function finish(socket: Socket, kind: Kind): void {
  // Deaf: the answer stays in the socket's buffer until the round is over.
  if (kind === 'gone at once') socket.destroy();
  else if (kind === 'half-closed') socket.end();
  else socket.pause();
}
function callBadly(round: Round, load: Load, { otlpGrpc }: Target, kind: Kind): void {
  const gone = kind === 'gRPC gone';
  const { made } = unitOf(load, gone ? 'unanswered' : 'cut');
  const session = connectHttp2(`http://${otlpGrpc}`);
  session.on('error', () => undefined);
  round.atEnd(() => session.destroy());
  const stream = session.request(
    { ':method': 'POST', ':path': EXPORT.traces, 'content-type': 'application/grpc', te: 'trailers' },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  const bytes = message(made.body);
  if (!gone) stream.write(bytes.subarray(0, bytes.length - 3));
  else stream.end(bytes, () => session.destroy());
}

export const clients: Scenario = {
  name: 'clients',
  about:
    'slow, half-open, deaf and vanishing clients beside good ones: the good ones are all answered, of the others nothing is stored in part',
  rounds: 2,
  async run(round) {
    const rig = round.rig();
    await rig.start();
    const load = round.load(rig, { timeoutMs: 30_000 });
    await sleep(300);
    const bad = round.short ? 60 : 400;
    for (let i = 0; i < bad; i++) {
      misbehave(round, load, rig.console, round.pick(KINDS));
      if (i % 10 === 0) await sleep(round.int(5, 60));
    }
    await sleep(round.short ? 300 : 1_500);
    const unanswered = load.ledger.units.filter(({ outcome, lane }) => outcome === 'unanswered' && !lane.endsWith('bad client'));
    // What is still under way counts as unanswered: one a lane at most.
    round.check(unanswered.length <= Object.keys(LANES).length, `${unanswered.length} requests of good clients were not answered`);
    round.what = `${bad} bad clients`;
    await round.conclude(rig, load);
  },
};

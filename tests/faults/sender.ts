import { Agent, request } from 'node:http';
import { Client, credentials } from '@grpc/grpc-js';
import { sleep } from '../app/until.ts';
import { EXPORT } from '../conformance/grpc-clients.ts';
import { type Rng, seededRng } from '../fixtures/seeded-rng.ts';
import { Ledger, type Outcome, type Unit } from './ledger.ts';
import { itemsOf, LANES, type LaneKind, SERVICE_PREFIX, type UnitBody } from './unit-bodies.ts';

/** Where the console listens at the moment; null while there is none. */
export interface Target {
  readonly ingest: string;
  readonly otlpGrpc: string;
}
export interface LoadOptions {
  readonly target: () => Target | null;
  readonly seed: number;
  readonly ledger?: Ledger;
  /** Names of LANES; absent: all. */
  readonly lanes?: readonly string[];
  /** Milliseconds between two requests of a lane. */
  readonly pauseMs?: number;
  /** Bytes of text that compresses well in each log line. */
  readonly fillerBytes?: number;
  readonly timeoutMs?: number;
  /** Items at least a request. */
  readonly items?: number;
}
export interface Load {
  readonly ledger: Ledger;
  /** Answers that are neither "stored" nor "not now", with an example: there must be none. */
  readonly surprises: ReadonlyMap<string, number>;
  /** Of refusals: how often the sender was told when to come back, and how often not. */
  readonly told: { withDelay: number; without: number };
  /** Every request under way has come to its end. */
  stop(): Promise<void>;
}

const DAY_NANO = 86_400n * 1_000_000_000n;
const RETRIES = 4;
/** Answers a sender tries again after: OTLP specification, "Retryable Response Codes". */
const NOT_NOW = new Set([429, 502, 503, 504]);

interface Answer {
  readonly outcome: Outcome;
  readonly surprise?: string;
  readonly delayTold?: boolean;
}

class HttpWay {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  send(base: string, path: string, { headers, body }: UnitBody, timeoutMs: number): Promise<Answer> {
    return new Promise((done) => {
      const outgoing = request(
        `${base}${path}`,
        { method: 'POST', agent: this.agent, headers: { ...headers, 'content-length': body.length }, timeout: timeoutMs },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', () => done({ outcome: 'unanswered' }));
          response.on('close', () => done({ outcome: 'unanswered' }));
          response.on('end', () => done(judge(response.statusCode ?? 0, response.headers['retry-after'], Buffer.concat(parts), path)));
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', () => done({ outcome: 'unanswered' }));
      outgoing.end(body);
    });
  }
  close(): void {
    this.agent.destroy();
  }
}
function judge(status: number, retryAfter: string | undefined, answer: Buffer, path: string): Answer {
  if (status >= 200 && status < 300) {
    // Nothing but "all of it": a partial success of a whole request would be a loss nobody hears of.
    const said = answer.toString('utf8');
    if (said === '' || said === '{}') return { outcome: 'acknowledged' };
    return { outcome: 'refused', surprise: `${path}: ${status} with "${said.slice(0, 200)}"` };
  }
  if (NOT_NOW.has(status)) return { outcome: 'refused', delayTold: retryAfter !== undefined };
  return { outcome: 'refused', surprise: `${path}: ${status} ${answer.toString('utf8').slice(0, 200)}` };
}

/** As an SDK does it: one channel kept, which finds the way back by itself. */
class GrpcWay {
  private client: Client | null = null;
  private address = '';
  send(address: string, signal: keyof typeof EXPORT, body: Uint8Array, timeoutMs: number): Promise<Answer> {
    if (address !== this.address || this.client === null) {
      this.client?.close();
      this.address = address;
      this.client = new Client(address, credentials.createInsecure(), {
        'grpc.initial_reconnect_backoff_ms': 50,
        'grpc.min_reconnect_backoff_ms': 50,
        'grpc.max_reconnect_backoff_ms': 300,
        'grpc.use_local_subchannel_pool': 1,
      });
    }
    const { client } = this;
    const asIs = (bytes: Buffer): Buffer => bytes;
    return new Promise((done) => {
      client.makeUnaryRequest(EXPORT[signal], asIs, asIs, Buffer.from(body), { deadline: Date.now() + timeoutMs }, (error, answer) => {
        if (error === null) {
          const rest = answer?.length ?? 0;
          done(rest === 0 ? { outcome: 'acknowledged' } : { outcome: 'refused', surprise: `gRPC ${signal}: answered ${rest} bytes` });
        } else if ([1, 4, 14].includes(error.code)) {
          // CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE: said by the server or by the library, which cannot be told apart.
          done({ outcome: 'unanswered' });
        } else if (error.code === 8) done({ outcome: 'refused', delayTold: error.metadata.get('grpc-status-details-bin').length > 0 });
        else if (error.code === 13 && /RST_STREAM|ECONNRESET|session/i.test(error.details)) done({ outcome: 'unanswered' });
        else done({ outcome: 'refused', surprise: `gRPC ${signal}: ${error.code} ${error.details.slice(0, 200)}` });
      });
    });
  }
  close(): void {
    this.client?.close();
  }
}

interface Sending {
  readonly http: HttpWay;
  readonly grpc: GrpcWay;
  readonly random: Rng;
}
/** Senders of every protocol, each with one request under way, that go on whatever happens until they are stopped. */
export function startLoad(options: LoadOptions): Load {
  const { target, seed, lanes = Object.keys(LANES), pauseMs = 30, fillerBytes = 0, timeoutMs = 5_000, items = 1 } = options;
  const ledger = options.ledger ?? new Ledger();
  const surprises = new Map<string, number>();
  const told = { withDelay: 0, without: 0 };
  let going = true;
  let lastNano = 0n;
  /** No two requests have the same time: a sample is told apart by series and time. */
  const nextNano = (): bigint => {
    const nowNano = BigInt(Date.now()) * 1_000_000n;
    lastNano = nowNano > lastNano ? nowNano : lastNano + 1_000_000n;
    return lastNano;
  };
  // Large in the journal, small once it is stored: a disk that was full has room again.
  const filler = (random: Rng): string =>
    random()
      .toString(36)
      .repeat(Math.ceil(fillerBytes / 10))
      .slice(0, fillerBytes);

  async function attempt(
    name: string,
    kind: LaneKind,
    count: number,
    of: number | null,
    { http, grpc, random }: Sending,
  ): Promise<Unit | null> {
    const where = target();
    if (where === null) return null;
    const unit = ledger.begin(name, of, (number) => itemsOf(kind, number, count));
    const spansDays = random() < 0.2;
    const atNano = nextNano();
    const timeOf = (id: number): bigint => atNano - (spansDays && id % 2 === 1 ? DAY_NANO : 0n);
    const made = kind.make({ items: unit.items, timeOf, filler: filler(random) }, `${SERVICE_PREFIX}${name}`);
    const answer =
      'path' in made.to
        ? await http.send(where.ingest, made.to.path, made, timeoutMs)
        : await grpc.send(where.otlpGrpc, made.to.grpc, made.body, timeoutMs);
    ledger.settle(unit, answer.outcome);
    if (answer.surprise !== undefined) surprises.set(answer.surprise, (surprises.get(answer.surprise) ?? 0) + 1);
    if (answer.delayTold !== undefined) told[answer.delayTold ? 'withDelay' : 'without']++;
    return unit;
  }
  async function work(name: string, index: number): Promise<void> {
    const kind = LANES[name] as LaneKind;
    // A chance of its own: what one lane does must not change what another sends.
    const sending: Sending = { http: new HttpWay(), grpc: new GrpcWay(), random: seededRng(seed * 100 + index) };
    const { random } = sending;
    while (going) {
      const count = Math.min(48, items + kind.tables.length + Math.floor(random() * 12));
      let of: number | null = null;
      for (let tries = 0; tries <= RETRIES && going; tries++) {
        const unit = await attempt(name, kind, count, of, sending);
        if (unit !== null) of = unit.request;
        if (unit?.outcome === 'acknowledged') break;
        await sleep(40 + random() * 120);
      }
      await sleep(pauseMs * (0.5 + random()));
    }
    sending.http.close();
    sending.grpc.close();
  }
  const workers = lanes.map(work);
  return {
    ledger,
    surprises,
    told,
    stop: async () => {
      going = false;
      await Promise.all(workers);
    },
  };
}

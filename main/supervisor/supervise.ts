import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { ForwarderStatus } from '#contracts/forwarding.ts';
import { LISTENERS } from '#contracts/listeners.ts';
import type { CollectorStatus, FromChild, PreviousEnd, ProcessState, SourceLimitsNews } from '#contracts/processes.ts';
import type { Listeners, Settings } from '#contracts/settings.ts';
import { backOffMs } from './back-off.ts';
import { settingsOf } from './child-environment.ts';
import { ImporterChild } from './importer-child.ts';
import { OnDemandChild } from './on-demand-child.ts';
import type { ChildHandle, ChildName, ProcessHost, SpawnName } from './process-host.ts';

export interface SuperviseOptions {
  readonly settings: Settings;
  readonly host: ProcessHost;
  readonly log: (line: string) => void;
  readonly onState?: (name: ChildName, state: ProcessState) => void;
  /** After each start of a child: process ids of all that run. */
  readonly onChildren?: (pids: readonly number[]) => void;
  /** A destination is configured already: forwarding starts with the others. */
  readonly forwarding?: boolean;
  /** Nothing is sent, and the journal keeps all the same what a destination has not read. */
  readonly keepJournal?: boolean;
  readonly nowMs?: () => number;
}
export interface Supervisor {
  readonly addresses: {
    readonly api: string;
    readonly ingest: string;
    readonly otlpGrpc: string;
    /** Of those that are on, by the key of their setting. */
    readonly listeners?: Readonly<Record<string, string>>;
  };
  state(): Readonly<Record<ChildName, ProcessState>>;
  pid(name: SpawnName): number | undefined;
  /** Sources first, sinks last; resolves when all have ended, at the latest after ten seconds. */
  stop(): Promise<void>;
}
interface Slot {
  readonly name: ChildName;
  child: ChildHandle | null;
  state: ProcessState;
  /** Addresses of the first start: a restarted child must come back where its clients look for it. */
  addresses: Readonly<Record<string, string>> | null;
  startedMs: number;
  crashes: number;
  timer: NodeJS.Timeout | null;
  previousEnd: PreviousEnd | null;
}
/** A child that lived this long was fine: its next crash is a first one. */
const STEADY_MS = 30_000;
const STOP_MS = 9_000;
/** Crashes in a row after which a child counts as failed: it is still retried, slowly. */
const FAILED_CRASHES = 5;
/** A child that has never been ready and ends this often will not be: the start is given up. */
const HOPELESS_CRASHES = 3;
/** Later than every position: the journal keeps nothing for forwarding. */
const NOTHING_HELD = Number.MAX_SAFE_INTEGER;

const addressOf = (text: string): { host: string; port: number } => {
  const bare = text.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const colon = bare.lastIndexOf(':');
  return { host: bare.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(bare.slice(colon + 1)) };
};
/** Ports picked at the first start stay for the life of the supervisor. */
function settingsFor(settings: Settings, slots: readonly Slot[]): Settings {
  const known = Object.assign({}, ...slots.map((slot) => slot.addresses ?? {})) as Record<string, string>;
  const fixed = (key: 'api' | 'ingest' | 'otlpGrpc') => (known[key] ? addressOf(known[key]) : settings[key]);
  const { listeners } = settings;
  return {
    ...settings,
    api: fixed('api'),
    ingest: fixed('ingest'),
    otlpGrpc: fixed('otlpGrpc'),
    ...(listeners ? { listeners: { ...listeners, ...fixedListeners(listeners, known) } } : {}),
  };
}
const fixedListeners = (listeners: Listeners, known: Readonly<Record<string, string>>): Partial<Listeners> =>
  Object.fromEntries(LISTENERS.flatMap((key) => (listeners[key] && known[key] ? [[key, addressOf(known[key])]] : [])));

/**
 * Starts the collector and the engine, keeps them alive and passes their small messages on. Resolves when both are
 * ready; rejects with FaultlineError when one says at its first start that it cannot (port taken, folder locked ...).
 */
export function supervise({
  settings,
  host,
  log,
  onState,
  onChildren,
  forwarding = false,
  keepJournal = false,
  nowMs = Date.now,
}: SuperviseOptions): Promise<Supervisor> {
  const slot = (name: ChildName, state: ProcessState): Slot => ({
    name,
    child: null,
    state,
    addresses: null,
    startedMs: 0,
    crashes: 0,
    timer: null,
    previousEnd: null,
  });
  const slots: Record<ChildName, Slot> = {
    collector: slot('collector', 'starting'),
    engine: slot('engine', 'starting'),
    forwarder: slot('forwarder', 'stopped'),
  };
  let stopping = false;
  let lastStatus: CollectorStatus | null = null;
  let released: number | null = null;
  let sourceLimits: SourceLimitsNews | null = null;
  /** What forwarding still needs of the journal: all there is until the forwarder says. */
  let held = forwarding || keepJournal ? 0 : NOTHING_HELD;
  let forwards = forwarding;
  let forwarderStatus: ForwarderStatus | null = null;
  let settle: { resolve: () => void; reject: (error: Error) => void } | null = null;

  const noteChildren = (): void =>
    onChildren?.([...Object.values(slots).map(({ child }) => child?.pid), llm.pid, importer.pid].filter((pid) => pid !== undefined));
  const llm = new OnDemandChild({
    host,
    onNews: (news) => slots.engine.child?.send({ type: 'llm-news', news }),
    onEnded: (reason, lastCall) => {
      log(`llm ended (${reason}); the next question starts it again`);
      slots.engine.child?.send({ type: 'llm-ended', reason, lastCall });
    },
    onStarted: noteChildren,
  });

  const importer = new ImporterChild({
    host,
    onNews: (news) => slots.engine.child?.send({ type: 'import-news', news }),
    onEnded: (reason) => {
      log(`importer ended (${reason}); the next file starts it again`);
      slots.engine.child?.send({ type: 'import-ended', reason });
    },
    onStarted: noteChildren,
  });

  const setState = (slot: Slot, state: ProcessState): void => {
    if (slot.state === state) return;
    slot.state = state;
    if (slot.name === 'forwarder') tellForwarder();
    if (slot.name === 'engine') slots.collector.child?.send({ type: 'engine-state', state });
    onState?.(slot.name, state);
  };

  const tellForwarder = (): void =>
    slots.engine.child?.send({ type: 'forwarder-status', status: forwarderStatus, state: slots.forwarder.state });
  const tellHeld = (): void => slots.collector.child?.send({ type: 'held', position: held });
  /** The first destination starts the process that sends, the last one gone ends it. */
  async function followForwarding(active: boolean): Promise<void> {
    if (stopping) return;
    if (active && forwards) slots.forwarder.child?.send({ type: 'forwarding-changed' });
    if (active === forwards) return;
    forwards = active;
    held = active ? 0 : NOTHING_HELD;
    tellHeld();
    if (active && slots.forwarder.child === null) start(slots.forwarder);
    if (active) return;
    await stopOne(slots.forwarder, STOP_MS / 3);
    if (!forwards) forwarderStatus = null;
    tellForwarder();
  }

  function ready(slot: Slot, addresses: Readonly<Record<string, string>>): void {
    slot.addresses ??= addresses;
    setState(slot, 'running');
    if (slot.name === 'collector') {
      slot.child?.send({ type: 'engine-state', state: slots.engine.state });
      if (released !== null) slot.child?.send({ type: 'released', position: released });
      if (sourceLimits) slot.child?.send(sourceLimits);
      tellHeld();
    } else if (slot.name === 'engine') {
      if (lastStatus) slot.child?.send({ type: 'collector-status', status: lastStatus });
      tellForwarder();
    }
    if (slots.collector.addresses && slots.engine.addresses) settle?.resolve();
  }

  /** At the first start the caller says it; later there is only the log. */
  function fatal(slot: Slot, says: string, code: ErrorCode): void {
    if (settle && slot.addresses === null && slot.name !== 'forwarder') settle.reject(new FaultlineError(code, says));
    else log(`${slot.name}: ${says}`);
  }
  function receive(slot: Slot, message: FromChild): void {
    switch (message.type) {
      case 'ready':
        ready(slot, message.addresses);
        break;
      case 'fatal':
        slot.previousEnd = {
          code: message.code,
          message: message.message,
          atMs: nowMs(),
          times: (slot.previousEnd?.code === message.code ? slot.previousEnd.times : 0) + 1,
        };
        fatal(slot, `${message.message} ${message.todo}`.trim(), message.code as ErrorCode);
        break;
      case 'advanced':
        slots.engine.child?.send({ type: 'advanced', committed: message.committed });
        break;
      case 'collector-status':
        lastStatus = message.status;
        slots.engine.child?.send({ type: 'collector-status', status: message.status });
        break;
      case 'released':
        released = message.position;
        slots.collector.child?.send({ type: 'released', position: message.position });
        break;
      case 'llm-call':
        if (!stopping) llm.call(message.call);
        break;
      case 'llm-stop':
        llm.kill();
        break;
      case 'import-call':
        if (!stopping) importer.call(message.call);
        break;
      case 'import-stop':
        importer.kill();
        break;
      case 'held':
        // Its last word on the way out, after the last destination has gone, would hold the journal for good.
        if (!forwards) break;
        held = message.position;
        tellHeld();
        break;
      case 'forwarder-status':
        forwarderStatus = message.status;
        tellForwarder();
        break;
      case 'forwarding-changed':
        void followForwarding(message.active);
        break;
      case 'source-limits':
        sourceLimits = message;
        slots.collector.child?.send(message);
        break;
      case 'left-out':
        slots.collector.child?.send(message);
        break;
      case 'llm-news':
      case 'import-news':
      case 'stopped':
        break;
    }
  }

  function ended(slot: Slot, reason: string): void {
    slot.child = null;
    // Whoever waited for the model has gone with the engine.
    if (slot.name === 'engine') {
      llm.kill();
      importer.kill();
    }
    if (stopping || (slot.name === 'forwarder' && !forwards)) {
      setState(slot, 'stopped');
      return;
    }
    if (nowMs() - slot.startedMs > STEADY_MS) slot.crashes = 0;
    slot.crashes++;
    if (settle && slot.addresses === null && slot.name !== 'forwarder' && slot.crashes >= HOPELESS_CRASHES) {
      settle.reject(new FaultlineError('internal', `The ${slot.name} does not start (${reason}); see the lines above.`));
      return;
    }
    const waitMs = backOffMs(slot.crashes);
    const failing = slot.crashes > FAILED_CRASHES;
    log(
      `${slot.name} ended (${reason}); starting it again ${waitMs < 1000 ? 'at once' : `in ${Math.round(waitMs / 1000)} s`}${failing ? `: it has ended ${slot.crashes} times in a row` : ''}`,
    );
    setState(slot, failing ? 'failed' : 'restarting');
    slot.timer = setTimeout(() => start(slot), waitMs);
  }

  function start(slot: Slot): void {
    slot.timer = null;
    if (stopping || (slot.name === 'forwarder' && !forwards)) return;
    setState(slot, slot.state === 'stopped' ? 'starting' : slot.state);
    slot.startedMs = nowMs();
    const child = host.spawn(slot.name);
    slot.child = child;
    child.onMessage((message) => {
      if (slot.child === child) receive(slot, message);
    });
    child.onExit((reason) => {
      if (slot.child === child) ended(slot, reason);
    });
    noteChildren();
    const current = settingsFor(settings, Object.values(slots));
    child.send({
      type: 'start',
      settings: settingsOf(slot.name, current),
      ...(released === null ? {} : { releasedPosition: released }),
      ...(slot.name === 'collector' && held !== NOTHING_HELD ? { heldPosition: held } : {}),
      ...(slot.previousEnd === null ? {} : { previousEnd: slot.previousEnd }),
    });
  }

  async function stopOne(slot: Slot, deadlineMs: number): Promise<void> {
    if (slot.timer) clearTimeout(slot.timer);
    const { child } = slot;
    if (!child) return;
    await new Promise<void>((done) => {
      const timer = setTimeout(() => {
        log(`${slot.name} did not stop within ${deadlineMs} ms: ended by force; the journal keeps what it had not stored`);
        child.kill();
      }, deadlineMs);
      const poll = setInterval(() => {
        if (slot.child === child) return;
        clearInterval(poll);
        clearTimeout(timer);
        done();
      }, 10);
      child.send({ type: 'stop', deadlineMs });
    });
  }

  const listeners = (): Record<string, string> =>
    Object.fromEntries(Object.entries(slots.collector.addresses ?? {}).filter(([key]) => LISTENERS.some((listener) => listener === key)));
  const supervisor = (): Supervisor => ({
    // `listeners` only where some are on: the ready line of others is the contract's, key for key.
    addresses: {
      api: slots.engine.addresses?.['api'] ?? '',
      ingest: slots.collector.addresses?.['ingest'] ?? '',
      otlpGrpc: slots.collector.addresses?.['otlpGrpc'] ?? '',
      ...(Object.keys(listeners()).length > 0 ? { listeners: listeners() } : {}),
    },
    state: () => ({ collector: slots.collector.state, engine: slots.engine.state, forwarder: slots.forwarder.state }),
    pid: (name) => (name === 'llm' ? llm.pid : name === 'importer' ? importer.pid : slots[name].child?.pid),
    stop,
  });
  async function stop(): Promise<void> {
    stopping = true;
    llm.kill();
    importer.kill();
    // Sources first: what the collector acknowledged while draining is still read by the engine.
    await Promise.all([stopOne(slots.collector, STOP_MS / 3), stopOne(slots.forwarder, STOP_MS / 3)]);
    await stopOne(slots.engine, (STOP_MS * 2) / 3);
  }

  return new Promise((resolve, reject) => {
    settle = {
      resolve: () => {
        settle = null;
        resolve(supervisor());
      },
      reject: (error) => {
        settle = null;
        void stop().then(() => reject(error));
      },
    };
    // The collector first: ports open as soon as possible.
    start(slots.collector);
    start(slots.engine);
    if (forwards) start(slots.forwarder);
  });
}

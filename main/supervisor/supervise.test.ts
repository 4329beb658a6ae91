import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { FromChild, ToChild } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import { backOffMs } from './back-off.ts';
import type { ChildHandle, ChildName, ProcessHost, SpawnName } from './process-host.ts';
import { type Supervisor, supervise } from './supervise.ts';

/** Children steered by hand: the supervisor's rules do not depend on what carries its messages. */
class Child extends EventEmitter {
  readonly received: ToChild[] = [];
  readonly name: SpawnName;
  readonly pid: number;
  killed = false;
  /** Stops politely when asked. */
  polite = true;
  constructor(name: SpawnName, pid: number) {
    super();
    this.name = name;
    this.pid = pid;
  }
  say(message: FromChild): void {
    this.emit('said', message);
  }
  end(reason = 'signal SIGKILL'): void {
    this.emit('ended', reason);
  }
  types(): string[] {
    return this.received.map((message) => message.type);
  }
}
function rig() {
  const children: Child[] = [];
  const order: string[] = [];
  const host: ProcessHost = {
    spawn(name): ChildHandle {
      const child = new Child(name, 100 + children.length);
      children.push(child);
      order.push(`start ${name}`);
      return {
        pid: child.pid,
        send: (message) => {
          child.received.push(message);
          if (message.type !== 'stop') return;
          order.push(`stop ${name}`);
          if (child.polite) setTimeout(() => child.end('exit code 0'), 5);
        },
        onMessage: (listener) => void child.on('said', listener),
        onExit: (listener) => void child.once('ended', listener),
        kill: () => {
          child.killed = true;
          child.end();
        },
      };
    },
  };
  const last = (name: SpawnName): Child => children.filter((child) => child.name === name).at(-1) as Child;
  return { children, order, host, last };
}
const free = { host: '127.0.0.1', port: 0 };
const settings = { api: free, ingest: free, otlpGrpc: free } as Settings;
const ports: Record<ChildName, Readonly<Record<string, string>>> = {
  collector: { ingest: 'http://127.0.0.1:5001', otlpGrpc: '127.0.0.1:5002' },
  engine: { api: 'http://127.0.0.1:5003' },
  forwarder: {},
};
const running: Supervisor[] = [];
async function started() {
  const parts = rig();
  const lines: string[] = [];
  const starting = supervise({ settings, host: parts.host, log: (line) => lines.push(line) });
  for (const name of ['collector', 'engine'] as const) parts.last(name).say({ type: 'ready', addresses: ports[name] });
  const supervisor = await starting;
  running.push(supervisor);
  return { ...parts, lines, supervisor };
}
async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !what(); i++) await new Promise((done) => setTimeout(done, 5));
  expect(what()).toBe(true);
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((supervisor) => supervisor.stop()));
});

describe('start', () => {
  it('starts the collector first and is there when both are ready', async () => {
    const { order, supervisor } = await started();
    expect(order).toEqual(['start collector', 'start engine']);
    expect(supervisor.addresses).toEqual({ api: 'http://127.0.0.1:5003', ingest: 'http://127.0.0.1:5001', otlpGrpc: '127.0.0.1:5002' });
    expect(supervisor.state()).toEqual({ collector: 'running', engine: 'running', forwarder: 'stopped' });
  });
  it('gives up when a child says at its first start that it cannot, and ends the other', async () => {
    const { host, last, order } = rig();
    const starting = supervise({ settings, host, log: () => {} });
    last('collector').say({ type: 'ready', addresses: ports.collector });
    last('engine').say({ type: 'fatal', code: 'data_dir_locked', message: 'Locked.', todo: 'Use another.' });
    await expect(starting).rejects.toMatchObject({ code: 'data_dir_locked', message: 'Locked. Use another.' });
    expect(order).toContain('stop collector');
  });
  it('gives up when a child ends again and again before it is ever ready', async () => {
    const { host, last, children } = rig();
    const starting = supervise({ settings, host, log: () => {} });
    const refused = expect(starting).rejects.toThrow('The engine does not start');
    for (let i = 0; i < 3; i++) {
      await until(() => children.filter((child) => child.name === 'engine').length > i);
      last('engine').end('exit code 1');
    }
    await refused;
  });
});

describe('restart', () => {
  it.each(['collector', 'engine'] as const)('a killed %s comes back on the ports its clients know', async (name) => {
    const { last, supervisor } = await started();
    const first = last(name);
    first.end();
    expect(supervisor.state()[name]).toBe('restarting');
    await until(() => last(name) !== first);
    const start = last(name).received.find((message) => message.type === 'start');
    expect(start).toMatchObject({
      settings: { api: { port: 5003 }, ingest: { port: 5001 }, otlpGrpc: { host: '127.0.0.1', port: 5002 } },
    });
    last(name).say({ type: 'ready', addresses: ports[name] });
    expect(supervisor.state()[name]).toBe('running');
  });
  it('tells the collector what the engine is doing', async () => {
    const { last } = await started();
    last('engine').end();
    expect(last('collector').received.at(-1)).toEqual({ type: 'engine-state', state: 'restarting' });
  });
  it('a new collector learns what is stored already, a new engine the last status', async () => {
    const { last, children } = await started();
    last('engine').say({ type: 'released', position: 77 });
    const status = { pid: 1 } as never;
    last('collector').say({ type: 'collector-status', status });
    last('collector').end();
    await until(() => children.length === 3);
    expect(last('collector').received[0]).toMatchObject({ type: 'start', releasedPosition: 77 });
    last('engine').end();
    await until(() => children.length === 4);
    last('engine').say({ type: 'ready', addresses: ports.engine });
    expect(last('engine').received.at(-2)).toEqual({ type: 'collector-status', status });
  });
  it('ignores what a dead child still says', async () => {
    const { last, children } = await started();
    const dead = last('engine');
    dead.end();
    await until(() => children.length === 3);
    dead.say({ type: 'released', position: 5 });
    expect(last('collector').types()).not.toContain('released');
  });
  it('waits longer each time, never less than before, and never stops trying', () => {
    const waits = Array.from({ length: 20 }, (_, index) => backOffMs(index + 1));
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[0]).toBeLessThanOrEqual(100);
    expect(new Set(waits.slice(-5))).toEqual(new Set([30_000]));
  });
});

describe('relay', () => {
  it('passes growth to the engine and release to the collector', async () => {
    const { last } = await started();
    last('collector').say({ type: 'advanced', committed: 12 });
    last('engine').say({ type: 'released', position: 9 });
    expect(last('engine').received.at(-1)).toEqual({ type: 'advanced', committed: 12 });
    expect(last('collector').received.at(-1)).toEqual({ type: 'released', position: 9 });
  });
});

describe('stop', () => {
  it('stops the source before the sink, restarts nothing, and is safe twice', async () => {
    const { order, children, supervisor } = await started();
    await Promise.all([supervisor.stop(), supervisor.stop()]);
    expect(order.slice(2).filter((step, index, all) => all.indexOf(step) === index)).toEqual(['stop collector', 'stop engine']);
    expect(children).toHaveLength(2);
    expect(supervisor.state()).toEqual({ collector: 'stopped', engine: 'stopped', forwarder: 'stopped' });
  });
  it('cancels a restart that is waiting', async () => {
    const { last, children, supervisor } = await started();
    last('engine').end();
    await supervisor.stop();
    await new Promise((done) => setTimeout(done, 100));
    expect(children).toHaveLength(2);
  });
  it('ends a child that does not stop', async () => {
    const { last, lines, supervisor } = await started();
    last('collector').polite = false;
    await supervisor.stop();
    expect(last('collector').killed).toBe(true);
    expect(lines.join('\n')).toContain('collector did not stop');
  });
});

describe('forwarding', () => {
  it('runs a third process from the first destination to the last, and tells the journal what to keep', async () => {
    const { children, last, supervisor } = await started();
    const heard = (name: ChildName, type: string) => last(name).received.filter((message) => message.type === type);
    expect(children.map(({ name }) => name)).not.toContain('forwarder');
    last('engine').say({ type: 'forwarding-changed', active: true });
    expect(heard('collector', 'held').at(-1)).toEqual({ type: 'held', position: 0 });
    last('forwarder').say({ type: 'ready', addresses: {} });
    last('forwarder').say({ type: 'held', position: 77 });
    expect(heard('collector', 'held').at(-1)).toEqual({ type: 'held', position: 77 });
    expect(heard('engine', 'forwarder-status').at(-1)).toMatchObject({ state: 'running' });
    last('engine').say({ type: 'forwarding-changed', active: true });
    expect(heard('forwarder', 'forwarding-changed')).toHaveLength(1);
    last('collector').end();
    await until(() => children.filter(({ name }) => name === 'collector').length === 2);
    expect(last('collector').received[0]).toMatchObject({ type: 'start', heldPosition: 77 });
    last('engine').say({ type: 'forwarding-changed', active: false });
    expect(heard('forwarder', 'stop')).toHaveLength(1);
    // What it had sent by then, said on its way out: there is nothing to keep the journal for any more.
    last('forwarder').say({ type: 'held', position: 99 });
    last('forwarder').end();
    await until(() => supervisor.state().forwarder === 'stopped');
    expect(heard('collector', 'held').at(-1)).toEqual({ type: 'held', position: Number.MAX_SAFE_INTEGER });
    expect(heard('engine', 'forwarder-status').at(-1)).toEqual({ type: 'forwarder-status', status: null, state: 'stopped' });
  });
  it('keeps what waits for destinations when told to, though nothing is sent', async () => {
    const parts = rig();
    const starting = supervise({ settings, host: parts.host, log: () => undefined, keepJournal: true });
    for (const name of ['collector', 'engine'] as const) parts.last(name).say({ type: 'ready', addresses: ports[name] });
    running.push(await starting);
    expect(parts.last('collector').received[0]).toMatchObject({ type: 'start', heldPosition: 0 });
    expect(parts.last('collector').received.filter(({ type }) => type === 'held')).toEqual([{ type: 'held', position: 0 }]);
    expect(parts.children.map(({ name }) => name)).toEqual(['collector', 'engine']);
  });
  it('starts it with the others when a destination is configured, and again after a crash', async () => {
    const parts = rig();
    const starting = supervise({ settings, host: parts.host, log: () => undefined, forwarding: true });
    for (const name of ['collector', 'engine'] as const) parts.last(name).say({ type: 'ready', addresses: ports[name] });
    running.push(await starting);
    expect(parts.last('collector').received[0]).toMatchObject({ type: 'start', heldPosition: 0 });
    parts.last('forwarder').end();
    await until(() => parts.children.filter(({ name }) => name === 'forwarder').length === 2);
  });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startTestCollector } from './receivers-fixture.ts';

/** A connection without a word must not keep the collector from stopping (it was killed by force after three seconds). */
describe.each([
  ['left half-closed', true],
  ['kept open', false],
])('a connection that sent nothing and was %s', (_, halfClosed) => {
  it('does not hold up the stop', async () => {
    const test = await startTestCollector();
    const port = Number(new URL(String(test.collector.addresses['ingest'])).port);
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    socket.resume();
    if (halfClosed) socket.end();
    await new Promise((done) => setTimeout(done, 50));
    await test.stop();
    socket.end();
    await ended;
    expect(socket.destroyed).toBe(true);
  });
});

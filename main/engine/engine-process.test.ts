import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FromChild } from '#contracts/processes.ts';
import { settingsFor } from '../../tests/app/engine-rig.ts';

// Found by tests/faults (eio): DuckDB had given up, process.exit() hung in a native thread, and no other engine was started.
it('an engine that cannot go on ends, although exit() hangs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-engine-end-'));
  const hang = join(folder, 'hang.cjs');
  writeFileSync(hang, 'process.exit = () => { for (;;); };');
  // A file where the data folder should be.
  const dataDir = join(folder, 'data');
  writeFileSync(dataDir, '');
  const child = fork(join(import.meta.dirname, 'main.ts'), [], { execArgv: ['--require', hang], serialization: 'advanced', silent: true });
  try {
    const told = new Promise<FromChild>((done) => child.once('message', (message) => done(message as FromChild)));
    const ended = new Promise((done) => child.once('exit', (code, signal) => done(signal ?? code)));
    child.send({ type: 'start', settings: settingsFor(join(dataDir, 'x')) });
    expect(await told).toMatchObject({ type: 'fatal' });
    expect(await ended).toBe('SIGKILL');
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

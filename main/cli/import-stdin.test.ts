import { existsSync, readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { spoolStdin } from './import-stdin.ts';

it('puts what comes by standard input on disk, for nobody else to read, and takes it away', async () => {
  const { path, remove } = await spoolStdin(Readable.from([Buffer.from('a'), Buffer.from('b')]));
  expect(readFileSync(path, 'utf8')).toBe('ab');
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).toBe(0);
  remove();
  expect(existsSync(path)).toBe(false);
});
it('leaves nothing of what broke off', async () => {
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('a');
      throw new Error('the pipe broke');
    })(),
  );
  await expect(spoolStdin(broken)).rejects.toThrow('the pipe broke');
});

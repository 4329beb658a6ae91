import { expect, it } from 'vitest';
import { ExportRunner } from './export-runner.ts';

it('a cancel, or a stop, does not wait for a journal whose end does not come', async () => {
  const lines: string[] = [];
  const runner = new ExportRunner({
    store: {} as never,
    dataDir: '/nowhere',
    version: 'test',
    drained: () => new Promise(() => undefined),
    nowMs: () => 0,
    log: (line) => lines.push(line),
  });
  runner.start({ signals: ['traces'] });
  expect(await runner.cancel()).toMatchObject({ state: 'cancelled', error: '' });
  await runner.stop();
  expect(lines).toEqual([]);
});

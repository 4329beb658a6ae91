import { describe, expect, it } from 'vitest';
import type { FileJob } from '#contracts/import-files.ts';
import { actionsOf, partOf, phaseOf } from './import-model.ts';

const job: FileJob = {
  id: '1',
  name: 'a',
  bytes: 100,
  receivedBytes: 100,
  state: 'ready',
  recognition: null,
  format: null,
  readBytes: 0,
  items: 0,
  refusedCount: 0,
  bytesPerSecond: 0,
  itemsPerSecond: 0,
  error: '',
  result: null,
};
const item = { key: 1, name: 'a', bytes: 100, job, paused: false, stopped: false, preview: null, error: '' };
const result = { file: 'a', format: 'csv', accepted: { traces: 0, logs: 0, metrics: 0 }, refused: [], minTimeMs: null, maxTimeMs: null };

describe('a file being imported', () => {
  it.each([
    ['queued', { job: null }],
    ['failed', { job: null, error: 'away' }],
    ['sending', { job: { ...job, state: 'receiving' as const } }],
    ['paused', { job: { ...job, state: 'receiving' as const }, paused: true }],
    ['ask', {}],
    ['map', { preview: { columns: [], rows: [], mapping: { kind: 'logs' as const, roles: {} }, problems: [] } }],
    ['running', { job: { ...job, state: 'running' as const } }],
    ['done', { job: { ...job, state: 'done' as const, result } }],
    [
      'nothing',
      { job: { ...job, state: 'done' as const, result: { ...result, refused: [{ line: 1, reason: 'malformed', message: 'x' }] } } },
    ],
    ['again', { job: { ...job, state: 'done' as const, result: { ...result, alreadyImportedMs: 5 } } }],
    ['cancelled', { stopped: true }],
  ])('is %s', (phase, more) => expect(phaseOf({ ...item, ...more })).toBe(phase));
  it('is half there when it is sent, and all there when it is read', () => {
    expect(partOf({ bytes: 100, job: { ...job, state: 'receiving', receivedBytes: 50 } })).toBe(0.25);
    expect(partOf({ bytes: 100, job: { ...job, state: 'running', readBytes: 50 } })).toBe(0.75);
    expect(partOf({ bytes: 0, job })).toBe(1);
  });
  it('may be paused only while it moves, and cancelled until it ends', () => {
    expect(actionsOf('running')).toEqual({ pause: true, resume: false, cancel: true });
    expect(actionsOf('paused')).toEqual({ pause: false, resume: true, cancel: true });
    expect(actionsOf('done')).toEqual({ pause: false, resume: false, cancel: false });
  });
});

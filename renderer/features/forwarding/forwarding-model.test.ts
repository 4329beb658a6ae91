import { describe, expect, it } from 'vitest';
import type { DestinationView } from '#contracts/forwarding.ts';
import { bodyOf, emptyForm, formOf, lostRows, parseHeaders } from './forwarding-model.ts';

const counters = {
  sent: { traces: { requests: 1, items: 10 }, logs: { requests: 0, items: 0 }, metrics: { requests: 0, items: 0 } },
  sentBytes: 5,
  retries: 0,
  rejectedItems: 0,
  failed: { http_400: { requests: 1, items: 3 } },
  dropped: { queue_full: { requests: 2, items: 20 }, queue_too_old: { requests: 0, items: 0 } },
};
describe('forwarding', () => {
  it('lists what was not delivered, most first, zeros left out', () => {
    expect(lostRows({ counters }).map(({ code, kind, items }) => [code, kind, items])).toEqual([
      ['queue_full', 'dropped', 20],
      ['http_400', 'failed', 3],
    ]);
  });
  it('reads headers by line and names the one that is none', () => {
    expect(parseHeaders(' \nAuthorization: Bearer a:b\n x : 1 ')).toEqual({ Authorization: 'Bearer a:b', x: '1' });
    expect(parseHeaders('\n')).toBeUndefined();
    expect(parseHeaders('a: b\nnonsense')).toBe(2);
  });
  it('gives back what it was given', () => {
    const view = {
      name: 'p',
      url: 'http://p',
      compression: 'none',
      signals: ['logs'],
      maxQueueBytes: 52_428_800,
      maxQueueSeconds: 5_400,
      timeoutMs: 60_000,
    };
    expect(bodyOf(formOf(view as unknown as DestinationView), undefined)).toEqual({
      name: 'p',
      url: 'http://p',
      compression: 'none',
      signals: ['logs'],
      maxQueueBytes: 52_428_800,
      maxQueueSeconds: 5_400,
      timeoutMs: 60_000,
    });
    expect(bodyOf({ ...emptyForm(), maxQueueMb: 'x' }, { a: 'b' })).toMatchObject({ maxQueueBytes: Number.NaN, headers: { a: 'b' } });
  });
});

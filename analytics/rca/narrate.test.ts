import { describe, expect, it } from 'vitest';
import type { TimeWindow } from '#contracts/judgement.ts';
import type { EvidenceQueries } from '#contracts/observation.ts';
import { makeShop, namedQueries } from '../../tests/fixtures/judgement-shop.ts';
import { judgeWindow } from '../judge.ts';
import { narrate, sayEvidence } from './narrate.ts';

const FAULTS = ['bad_deploy', 'slow_dependency', 'pool_exhaustion', 'memory_leak', 'error_burst', 'noisy_neighbour'] as const;

describe('narrate', () => {
  it.each(FAULTS)('speaks both languages and cites only rows that exist: %s', (fault) => {
    const { observation, faultMs, culprit } = makeShop({ seed: 31, fault });
    const window = { startMs: faultMs, endMs: observation.startMs + observation.buckets * observation.stepMs };
    const result = judgeWindow(observation, { window, service: null, top: 3 }, namedQueries);
    const ids = new Set(result.candidates[0]?.evidence.map((e) => e.id));
    for (const locale of ['en', 'zh'] as const) {
      const text = narrate(result, locale);
      expect(text).toContain(culprit);
      expect(text).not.toMatch(/undefined|NaN/);
      // The title has the figure of one minute: these say of when they are.
      expect(text).toMatch(/\d\d:\d\d–\d\d:\d\d/);
      const cited = [...text.matchAll(/\[(E\d+)\]/g)].map((m) => m[1]!);
      expect(cited.length).toBeGreaterThan(0);
      expect(cited.every((id) => ids.has(id))).toBe(true);
    }
    for (const row of result.candidates.flatMap((c) => c.evidence)) expect(sayEvidence(row, 'zh')).toMatch(/[一-鿿]/);
  });
  it('every figure says of which windows it is: those of its query', () => {
    const { observation, faultMs } = makeShop({ seed: 31, fault: 'bad_deploy' });
    const window = { startMs: faultMs, endMs: observation.startMs + observation.buckets * observation.stepMs };
    const spoken = (a: TimeWindow, b: TimeWindow): string =>
      [a.startMs, a.endMs, b.startMs, b.endMs].map((ms) => new Date(ms).toISOString()).join(' ');
    const queries: EvidenceQueries = {
      ...namedQueries,
      service: (signal, service, instance, a, b) => `${signal} ${service} ${instance} ${spoken(a, b)}`,
      edge: (signal, from, to, a, b) => `${signal} ${from} ${to} ${spoken(a, b)}`,
      metric: (seriesId, isRate, a, b) => `${seriesId} ${isRate} ${spoken(a, b)}`,
      log: (service, pattern, a, b) => `${service} ${pattern} ${spoken(a, b)}`,
      facet: (service, key, value, a, b) => `${service} ${key} ${value} ${spoken(a, b)}`,
    };
    const rows = judgeWindow(observation, { window, service: null, top: 3 }, queries).candidates.flatMap((c) => c.evidence);
    expect(rows.filter(({ over }) => over).length).toBeGreaterThan(1);
    for (const { signal, over, query } of rows) {
      if (signal === 'change') expect(over).toBeUndefined();
      else expect(query).toContain(over && [over.window.start, over.window.end, over.baseline.start, over.baseline.end].join(' '));
    }
  });
  it('says that there is nothing when there is nothing', () => {
    const nothing = { verdict: 'inconclusive', window: { start: '', end: '' }, candidates: [], impacted: [], narrative: '' } as const;
    expect(narrate(nothing, 'en')).toBe('Nothing in this window stands out from normal noise.');
    expect(narrate(nothing, 'zh')).toMatch(/未发现/);
  });
  it('a change that came with the trouble is not said to be before it', () => {
    const said = (seconds: number): string =>
      sayEvidence({ says: '', messageKey: 'evidence_change_config', params: { service: 'cart', from: '–', to: 'pool=5', seconds } }, 'zh');
    expect(said(20)).toContain('在异常前 20 秒');
    expect(said(-20)).toContain('在异常开始时');
  });
  it('falls back to the English sentence for a key it does not know', () => {
    expect(sayEvidence({ says: 'x happened.', messageKey: 'evidence_new_kind', params: {} }, 'zh')).toBe('x happened.');
  });
});

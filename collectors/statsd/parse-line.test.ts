import { describe, expect, it } from 'vitest';
import { parseLine, type StatsdSample } from './parse-line.ts';

const DEFAULTS = { values: [], relative: false, member: '', weight: 1, tags: [], containerId: '', timeSeconds: 0 };

describe('parseLine', () => {
  it.each<[string, Partial<StatsdSample>]>([
    ['gorets:1|c', { kind: 'counter', name: 'gorets', values: [1] }],
    ['gorets:1|c|@0.1', { kind: 'counter', name: 'gorets', values: [1], weight: 10 }],
    ['gorets:-2.5|c', { kind: 'counter', name: 'gorets', values: [-2.5] }],
    ['hits:3|m', { kind: 'counter', name: 'hits', values: [3] }],
    ['glork:320|ms|@0.5', { kind: 'timer', name: 'glork', values: [320], weight: 2 }],
    ['gaugor:333|g', { kind: 'gauge', name: 'gaugor', values: [333] }],
    ['gaugor:-10|g', { kind: 'gauge', name: 'gaugor', values: [-10], relative: true }],
    ['gaugor:+4|g', { kind: 'gauge', name: 'gaugor', values: [4], relative: true }],
    ['gaugor:4|g|@0.1', { kind: 'gauge', name: 'gaugor', values: [4] }],
    ['uniques:765|s', { kind: 'set', name: 'uniques', member: '765' }],
    ['uniques:a:b c|s|@0.5', { kind: 'set', name: 'uniques', member: 'a:b c' }],
    ['song.length:240|h|@0.5', { kind: 'histogram', name: 'song.length', values: [240], weight: 2 }],
    ['song.length:1:2.5:-3e2|d', { kind: 'histogram', name: 'song.length', values: [1, 2.5, -300] }],
    [
      'users.online:1|c|#country:china,env:prod,vip|@0.5',
      { kind: 'counter', name: 'users.online', values: [1], weight: 2, tags: ['country:china', 'env:prod', 'vip'] },
    ],
    ['a:1|c|#b:2,a:1,', { kind: 'counter', name: 'a', values: [1], tags: ['a:1', 'b:2'] }],
    ['a:1|c|#url:http://x:80/y', { kind: 'counter', name: 'a', values: [1], tags: ['url:http://x:80/y'] }],
    ['a:1|c|#', { kind: 'counter', name: 'a', values: [1] }],
    ['a:1|g|T1656581400', { kind: 'gauge', name: 'a', values: [1], timeSeconds: 1_656_581_400 }],
    ['a:-1|g|T1656581400', { kind: 'gauge', name: 'a', values: [-1], timeSeconds: 1_656_581_400 }],
    ['a:1|c|c:ci-83c0a99c0a54c0c187', { kind: 'counter', name: 'a', values: [1], containerId: '83c0a99c0a54c0c187' }],
    ['a:1|c|c:83c0a99c0a54', { kind: 'counter', name: 'a', values: [1], containerId: '83c0a99c0a54' }],
    ['a:1|c|c:in-12345', { kind: 'counter', name: 'a', values: [1] }],
    ['a:1|c|e:it-false|card:low', { kind: 'counter', name: 'a', values: [1] }],
    ['größe.m²:.5|g', { kind: 'gauge', name: 'größe.m²', values: [0.5] }],
    ['__proto__:1|c', { kind: 'counter', name: '__proto__', values: [1] }],
  ])('%s', (line, wanted) => expect(parseLine(line)).toEqual({ ...DEFAULTS, ...wanted }));

  it.each<[string, RegExp]>([
    ['gorets', /no name:value\|type: "gorets"/],
    ['gorets:1', /no name:value\|type/],
    ['gorets|c', /no name:value\|type/],
    [':1|c', /no name/],
    ['a:1|', /no name/],
    ['a:1|x', /the type "x" is none of/],
    ['a:1|constructor', /is none of/],
    ['a:|c', /"" is no number/],
    ['a:one|c', /"one" is no number/],
    ['a:1:|c', /"" is no number/],
    ['a:NaN|g', /"NaN" is no number/],
    ['a:Infinity|g', /no number/],
    ['a:0x10|g', /no number/],
    ['a:1e999|g', /no number/],
    ['a:1e9999|g', /no number/],
    ['a:+|g', /no number/],
    ['a:--1|g', /no number/],
    ['a:1|c|@0', /sample rate 0/],
    ['a:1|c|@-1', /sample rate -1/],
    ['a:1|c|@1.5', /sample rate 1.5/],
    ['a:1|c|@x', /no number/],
    ['a:|s', /a set without a value/],
    ['a:1|g|T0', /no Unix time/],
    ['a:1|g|Tnow', /no Unix time/],
    ['a:1|g|T99999999999', /no Unix time/],
    ['_e{5,4}:title|text', /events and service checks/],
    ['_sc|redis|2', /events and service checks/],
    [`${'n'.repeat(1_025)}:1|c`, /1025 characters/],
    ['GET / HTTP/1.1', /no name:value\|type/],
  ])('refused: %s', (line, says) => expect(() => parseLine(line)).toThrow(says));
  it('a refusal names little of a long line', () => {
    expect(() => parseLine('x'.repeat(60_000))).toThrow(/^.{20,200}$/);
  });
});

import { expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import { hurtFirst } from './gather-draft.ts';

const symptom = { service: 'web', kind: 'errors' } as Incident['symptom'];
const rca = (causes: readonly string[], impacted: readonly string[]): Incident['rca'] =>
  ({ candidates: causes.map((service) => ({ service })), impacted }) as unknown as Incident['rca'];

it('symptom, cause and sufferers come before what merely deviated, whatever their names', () => {
  const services = ['a', 'b', 'c', 'pay', 'shop', 'web'];
  expect(hurtFirst({ symptom, services, rca: rca(['pay'], ['shop']) })).toEqual(['web', 'pay', 'shop', 'a', 'b', 'c']);
});
it('a suspect that shows nothing itself is no row of its own', () => {
  expect(hurtFirst({ symptom, services: ['web'], rca: rca(['db'], ['shop']) })).toEqual(['web', 'shop']);
  expect(hurtFirst({ symptom, services: ['a', 'web'], rca: null })).toEqual(['web', 'a']);
});

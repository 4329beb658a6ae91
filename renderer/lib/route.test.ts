import { describe, expect, it } from 'vitest';
import { changedHref, hrefOf, PAGES, parseRoute, pathOf } from './route.ts';

describe('routes', () => {
  it.each(PAGES)('%s comes back from its path', (page) => expect(parseRoute(pathOf(page))).toEqual({ page, id: null }));
  it.each([
    ['/incidents/inc-1', { page: 'incidents', id: 'inc-1' }],
    ['/explore/traces/00ff/', { page: 'traces', id: '00ff' }],
    ['/incidents/a%2Fb/postmortem', { page: 'incidents', id: 'a/b', part: 'postmortem' }],
    ['/explore', { page: 'traces', id: null }],
    ['/no/such', { page: 'nowhere', id: null }],
    ['/services/cart', { page: 'nowhere', id: null }],
    ['//', { page: 'now', id: null }],
    ['/incidents/%E0%A4%A', { page: 'incidents', id: '%E0%A4%A' }],
  ])('%s', (path, route) => expect(parseRoute(path)).toEqual(route));
  it('carries ids of any characters', () => expect(parseRoute(pathOf('incidents', 'a/b ?#ü')).id).toBe('a/b ?#ü'));
});
describe('addresses', () => {
  const current = new URLSearchParams('from=now-1h&service=cart&wall=1');
  it('keep the time window and the wall, drop the filters of the screen left', () =>
    expect(hrefOf('/services', {}, current)).toBe('/services?from=now-1h&wall=1'));
  it('leave out what is empty', () =>
    expect(changedHref('/x', { service: '', from: null, wall: null, q: 'a b' }, current)).toBe('/x?q=a+b'));
});

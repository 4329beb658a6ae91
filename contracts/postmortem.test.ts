import { describe, expect, it } from 'vitest';
import { figureText } from './figure-text.ts';
import { type Block, type Figure, isSafeHref, type PostmortemDocument } from './postmortem.ts';
import { boundOf, canonicalJson, openPrompts, readDocument, unboundNumbers } from './postmortem-tree.ts';

const figure = (more: Partial<Figure> = {}): Figure => ({
  id: 'n1',
  label: 'requests',
  sql: 'SELECT 1 AS value',
  column: 'value',
  value: 1,
  unit: '',
  relativeTolerance: 1e-6,
  absoluteTolerance: 0,
  readAtMs: 1,
  evidence: '',
  ...more,
});
const paragraph = (...content: object[]): Block => ({ type: 'paragraph', attrs: { prompt: '' }, content }) as Block;
const text = (value: string): object => ({ type: 'text', text: value });
const documentOf = (...content: Block[]): PostmortemDocument => ({
  version: 1,
  incidentId: 'i1',
  locale: 'en',
  title: 't',
  status: 'draft',
  authors: '',
  content,
});

describe('readDocument', () => {
  it('takes what the editor makes', () => {
    const document = documentOf(
      { type: 'heading', attrs: { level: 2 }, content: [{ type: 'text', text: 'Impact' }] },
      { type: 'bullet_list', content: [{ type: 'list_item', content: [paragraph(text('a '), { type: 'figure', attrs: figure() })] }] },
    );
    expect(readDocument(JSON.parse(JSON.stringify(document)))).toEqual(document);
  });
  it.each([
    ['an unknown node', { type: 'iframe' }],
    ['an unknown attribute', { type: 'paragraph', attrs: { prompt: '', onclick: 'x' } }],
    ['a script link', paragraph({ type: 'text', text: 'x', marks: [{ type: 'link', attrs: { href: 'javascript:alert(1)' } }] })],
    ['a figure without a statement', paragraph({ type: 'figure', attrs: figure({ sql: '' }) })],
    ['an empty text', paragraph(text(''))],
  ])('refuses %s and says where', (_, block) => {
    expect(() => readDocument(documentOf(block as Block))).toThrow(/^Document, at content\.0/);
  });
  it('refuses one id with two meanings', () => {
    const two = paragraph({ type: 'figure', attrs: figure() }, { type: 'figure', attrs: figure({ value: 2 }) });
    expect(() => readDocument(documentOf(two))).toThrow('"n1" stands for two');
  });
  it('refuses deep and wide trees without reading them to their end', () => {
    let deep: Block = paragraph();
    for (let i = 0; i < 50_000; i++) deep = { type: 'blockquote', content: [deep] };
    expect(() => readDocument(documentOf(deep))).toThrow('nested deeper');
    expect(() => readDocument(documentOf(...Array.from({ length: 20_001 }, () => paragraph())))).toThrow('more than 20000 nodes');
  });
  it('refuses more figures than can be verified', () => {
    const many = Array.from({ length: 201 }, (_, i) => ({ type: 'figure', attrs: figure({ id: `n${i}` }) }));
    expect(() => boundOf(documentOf(paragraph(...many)))).toThrow('limit is 200');
  });
});
it.each([
  ['https://example.org/a?b=c', true],
  ['mailto:a@b.c', true],
  ['/explore/logs?from=1', true],
  ['//evil.example', false],
  ['/\\evil.example', false],
  ['javascript:alert(1)', false],
  ['JaVaScRiPt:alert(1)', false],
  ['java\tscript:alert(1)', false],
  [' javascript:alert(1)', false],
  ['data:text/html,<script>', false],
  ['vbscript:x', false],
  ['file:///etc/passwd', false],
  ['http:evil', false],
])('isSafeHref(%j) is %s', (href, safe) => expect(isSafeHref(href)).toBe(safe));

it.each([
  ['took 38 ms and 12 % failed', ['38 ms', '12 %']],
  ['at 09:14:07 on 2026-11-21 version 2.3.1 of inventory-2 [E1]', []],
  ['about 1,200 users, 3 of them twice', ['1,200', '3']],
  ['p95 rose 4x', ['4x']],
])('numbers nothing vouches for in %j', (says, found) => expect(unboundNumbers(documentOf(paragraph(text(says))))).toEqual(found));

it('a figure is no loose number, and a prompt is open until it is answered', () => {
  const prompt = (content: object[]): Block => ({ type: 'paragraph', attrs: { prompt: 'Why 5 times?' }, content }) as Block;
  const document = documentOf(paragraph({ type: 'figure', attrs: figure({ value: 77 }) }), prompt([]), prompt([text('because')]));
  expect(unboundNumbers(document)).toEqual([]);
  expect(openPrompts(document)).toEqual(['Why 5 times?']);
});
it('canonical JSON does not depend on the order of keys', () => {
  expect(canonicalJson({ b: [1, { d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[1,{"d":1}]}');
  expect(canonicalJson({ a: null, b: [1, { d: 1 }] })).toBe(canonicalJson({ b: [1, { d: 1 }], a: null }));
});
it.each([
  [0.3139, '1', '31.4 %'],
  [0.00213, '1', '0.21 %'],
  [1_234_567, '', '1\u202f234\u202f567'],
  [1240, 'ms', '1.24 s'],
  [16 * 60_000, 'ms', '16 min'],
  [12.34, '1/s', '12.3/s'],
  [1_500_000_000, 'By', '1.5 GB'],
  [3.5, 'EUR', '3.5 EUR'],
  [null, '', '–'],
  [Number.NaN, 'ms', '–'],
  ['2.3.1', '', '2.3.1'],
  ['2026-11-21T14:28:53.453688721Z', '', '2026-11-21 14:28:53'],
])('figureText(%j, %j) is %j', (value, unit, reads) => expect(figureText(value, unit)).toBe(reads));

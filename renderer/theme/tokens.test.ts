import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

type Colour = readonly [number, number, number];
const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');
const tokensOf = (part: string): Map<string, string> =>
  new Map([...part.matchAll(/(--[\w-]+): (#[0-9a-f]{6,8});/g)].map((m) => [m[1]!, m[2]!]));
const [dark = '', light = ''] = css.split(':root[data-theme="light"]');
const colourOf = (hex: string): Colour => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Colour;
/** A colour with alpha (#rrggbbaa) painted over another. */
function over(below: Colour, hex: string): Colour {
  const share = Number.parseInt(hex.slice(7, 9) || 'ff', 16) / 255;
  const above = colourOf(hex);
  return below.map((value, i) => value * (1 - share) + above[i]! * share) as unknown as Colour;
}
/** Relative luminance (WCAG 2.2). */
function luminance(colour: Colour): number {
  const [r = 0, g = 0, b = 0] = colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: Colour, b: Colour): number => {
  const [less, more] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (more + 0.05) / (less + 0.05);
};

it.each([
  ['dark', tokensOf(dark)],
  ['light', tokensOf(light)],
] as const)('%s: a badge is readable also on a chosen row', (_theme, tokens) => {
  const chosen = over(colourOf(tokens.get('--surface')!), tokens.get('--accent-soft')!);
  for (const tone of ['critical', 'major', 'minor', 'good', 'accent']) {
    const back = over(chosen, tokens.get(`--${tone}-soft`)!);
    expect(contrast(colourOf(tokens.get(`--${tone}`)!), back), tone).toBeGreaterThanOrEqual(4.5);
  }
});
it.each([
  ['dark', tokensOf(dark)],
  ['light', tokensOf(light)],
] as const)('%s: every colour of PromQL is readable where it is written and where it is offered', (_theme, tokens) => {
  for (const part of ['function', 'word', 'label', 'text', 'number'])
    for (const ground of ['ground', 'raised'])
      expect(contrast(colourOf(tokens.get(`--syntax-${part}`)!), colourOf(tokens.get(`--${ground}`)!)), part).toBeGreaterThanOrEqual(4.5);
});

import { describe, expect, it } from 'vitest';
import { RECIPES, sendLines } from './send-recipes.ts';

describe('sendLines', () => {
  it.each(RECIPES.map((recipe) => [recipe.language, recipe] as const))('%s gets the endpoint and how to start', (_name, recipe) => {
    const lines = sendLines(recipe, 'http://127.0.0.1:4318', 'here').split('\n');
    expect(lines).toContain('export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318');
    expect(lines.at(-1)).toBe(recipe.run);
  });
  it('keeps the port when a container must use another name for this machine', () => {
    const text = sendLines(RECIPES[0]!, 'http://127.0.0.1:50318/', 'docker');
    expect(text).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://host.docker.internal:50318');
    expect(text).not.toContain('127.0.0.1');
  });
  it('covers eight languages', () => expect(new Set(RECIPES.map((r) => r.language)).size).toBe(8));
});

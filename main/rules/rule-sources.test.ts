import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findRules } from './rule-sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-sources-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
it('finds the files of a pattern and of a prometheus.yml, and what that says of them', () => {
  const [a, b, c] = [write('a.rules', 'groups: []'), write('b.rules', ''), write('c.yml', '')];
  const prometheusConfig = write(
    'prometheus.yml',
    'global: {evaluation_interval: 30s, rule_query_offset: 5s, external_labels: {cluster: x}}\nrule_files: ["*.rules", missing.yml]\n',
  );
  const sources = () => findRules({ pattern: join(folder, '[bc].*'), prometheusConfig });
  const first = sources();
  expect(first).toMatchObject({ files: [b, c, a], intervalMs: 30_000, queryOffsetMs: 5_000, externalLabels: new Map([['cluster', 'x']]) });
  expect(sources().version).toBe(first.version);
  utimesSync(a, 5, 5);
  expect(sources().version).not.toBe(first.version);
  expect(findRules({ pattern: null, prometheusConfig: join(folder, 'none.yml') })).toMatchObject({ files: [], intervalMs: 60_000 });
});

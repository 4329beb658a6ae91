import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'faultline-alerting-'));
const [good, bad] = ['good.yml', 'bad.yml'].map((name) => join(folder, name)) as [string, string];
writeFileSync(
  good,
  `route: {receiver: a, group_by: [x], routes: [{matchers: [team=b], receiver: b, continue: true}, {match_re: {team: b|c}, receiver: c, repeat_interval: 90m}]}
receivers: [{name: a}, {name: b, slack_configs: [{api_url: 'http://s'}]}, {name: c}]
`,
);
writeFileSync(bad, 'route: {receiver: nobody}\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let said = '';
beforeEach(() => {
  said = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
});
afterEach(() => vi.restoreAllMocks());

it('check says what amtool says, where, and what is not delivered', async () => {
  expect(await runCli(['alerting', 'check', good, bad])).toBe(1);
  expect(said).toContain(
    `Checking '${good}'  SUCCESS\nFound:\n - global config\n - route\n - 0 inhibit rules\n - 3 receivers\n - 0 templates\n`,
  );
  expect(said).toContain('Note: slack[0] of receiver "b" (line 2) is not delivered by Faultline');
  expect(said).toContain(`Checking '${bad}'  FAILED: undefined receiver "nobody" used in route\n  at line 1, column 8\n`);
});
it('route prints the receivers, and how they are told', async () => {
  expect(await runCli(['alerting', 'route', good, 'team=b', 'x=1'])).toBe(0);
  expect(said).toBe('b,c\n');
  said = '';
  expect(await runCli(['alerting', 'route', good, 'team=c', 'x=1', '--explain', '--verify-receivers', 'a'])).toBe(1);
  expect(said).toContain('group {}/{team=~"^(?:b|c)$"}:{x="1"}\n  told after 30s, of changes every 5m, again every 1h30m\nc\nWARNING');
  said = '';
  expect(await runCli(['alerting', 'route', good, 'team'])).toBe(2);
  expect(said).toContain('Failed to parse labels: bad matcher format: team');
});

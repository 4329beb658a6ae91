import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeDrafts } from './remove-drafts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-drafts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
/** Beyond the largest process number of Linux. */
const NOBODY = 4_194_305;

it('removes what a kill left between writing and renaming, and nothing else', () => {
  const left = [
    `runtime.json.${NOBODY}`,
    `supervisor.lock.${NOBODY}`,
    `supervisor.lock.stale-${NOBODY}`,
    `journal/lock-${NOBODY}`,
    'forward/a.state.json.0a1b2c3d.new',
    'forward/destinations.json.0a1b2c3d.new',
    'backups/telemetry-2026-01-01.duckdb.v3.new',
    'backups/catalog.duckdb.v3.wal.new',
    'models/faultline-demo-7.gguf.new',
    'demo/shop-hosts.json.tmp',
  ];
  const kept = [
    'runtime.json',
    'supervisor.lock',
    `supervisor.lock.${process.pid}`,
    'journal/lock',
    'journal/00000001.journal',
    'forward/new.state.json',
    'forward/destinations.json',
    'backups/catalog.duckdb.v3',
    'models/mine.new',
    'demo/shop-hosts.json',
  ];
  for (const file of [...left, ...kept]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  const lines: string[] = [];
  removeDrafts(folder, (line) => lines.push(line));
  const there = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(there.map((entry) => join(entry.parentPath, entry.name)).sort()).toEqual(kept.map((file) => join(folder, file)).sort());
  expect(lines).toEqual([]);
});
it('a folder that is not there yet is none of its business', () =>
  expect(() => removeDrafts(join(folder, 'none'), () => {})).not.toThrow());

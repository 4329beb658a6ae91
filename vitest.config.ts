import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const beside = '{contracts,query,analytics,collectors,store,exporters,models,demo,main,protos,renderer,tools}/**/*.test.ts';
/** Compiled code is kept between processes, as bin/faultline keeps it: a test's own and that of what it starts from the sources. */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'out/compile-cache');

/** Without isolation files share a process, one after the other: loading a process and its modules anew cost as much as the tests of most files. */
const project = (name: string, include: string[], seconds: number, isolate = true) => ({
  extends: true as const,
  test: { name, include, isolate, environment: 'node' as const, testTimeout: seconds * 1000, hookTimeout: seconds * 1000 },
});

/** Files that start processes or compute for long come first: nobody should wait for the last of them alone. */
const LONG =
  /\/tests\/(?:ui|app|desktop|faults|fuzz)\/|kill|damage|\/demo\/simulate|\/analytics\/judge|live-reading|bill-book|open-store|export-parquet/;
const place = ({ moduleId }: TestSpecification): number => (LONG.test(moduleId) ? 0 : 1);
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    // DuckDB and sockets live in the tests' processes: a native abort ends one fork, and with it the file at hand.
    pool: 'forks',
    // Node runs the sources as they are (no test replaces a module): four app tests took 12 s of CPU instead of 17.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // One more than the cores: tests wait for processes, sockets and pages a third of the time; four were slower.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', [beside, 'tests/{coverage,canary,conformance,golden,spec}/**/*.test.ts'], 90, false),
      project('fuzz', ['tests/fuzz/**/*.test.ts'], 300, false),
      project('app', ['tests/{app,desktop,faults}/**/*.test.ts'], 90, false),
      project('ui', ['tests/ui/**/*.test.ts'], 120, false),
    ],
  },
});

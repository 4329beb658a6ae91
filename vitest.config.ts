import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const beside = '{contracts,query,analytics,collectors,store,exporters,models,demo,main,protos,renderer,tools}/**/*.test.ts';
const project = (name: string, include: string[], seconds: number) => ({
  extends: true as const,
  test: { name, include, environment: 'node' as const, testTimeout: seconds * 1000, hookTimeout: seconds * 1000 },
});

/** Files that start processes or compute for long come first: nobody should wait for the last of them alone. */
const LONG = /\/tests\/(?:ui|app|desktop|faults|fuzz)\/|kill|damage|\/demo\/simulate|\/analytics\/judge/;
const place = ({ moduleId }: TestSpecification): number => (LONG.test(moduleId) ? 0 : 1);
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    // DuckDB and sockets live in the tests' processes; forks keep a native abort inside one file.
    pool: 'forks',
    // One more than the cores: tests wait for processes, sockets and pages a third of the time.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', [beside, 'tests/{coverage,canary,conformance,golden}/**/*.test.ts'], 30),
      project('fuzz', ['tests/fuzz/**/*.test.ts'], 300),
      project('app', ['tests/{app,desktop,faults}/**/*.test.ts'], 90),
      project('ui', ['tests/ui/**/*.test.ts'], 120),
    ],
  },
});

import { defineConfig } from 'vitest/config';

const beside = '{contracts,query,analytics,collectors,store,exporters,models,demo,main,protos,renderer,tools}/**/*.test.ts';
const project = (name: string, include: string[], seconds: number) => ({
  extends: true as const,
  test: { name, include, environment: 'node' as const, testTimeout: seconds * 1000, hookTimeout: seconds * 1000 },
});

export default defineConfig({
  test: {
    // DuckDB and sockets live in the tests' processes; forks keep a native abort inside one file.
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      project('unit', [beside, 'tests/{coverage,canary,conformance,golden}/**/*.test.ts'], 30),
      project('fuzz', ['tests/fuzz/**/*.test.ts'], 300),
      project('app', ['tests/{app,desktop}/**/*.test.ts'], 90),
      project('ui', ['tests/ui/**/*.test.ts'], 120),
    ],
  },
});

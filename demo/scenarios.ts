/** What can be shown. Plain data: the API lists these names, `--demo NAME` and `POST /console/demo` take them. */
export const DEMO_SCENARIOS = [
  'bad_deploy',
  'slow_dependency',
  'pool_exhaustion',
  'memory_leak',
  'tenant_error_burst',
  'noisy_neighbour',
  'none',
] as const;
export type DemoScenario = (typeof DEMO_SCENARIOS)[number];
/** A release breaks one service and everything above it suffers: the story a newcomer follows at once. */
export const DEFAULT_SCENARIO: DemoScenario = 'bad_deploy';
/** With the default scenario: a release of payments fails most payments, so checkout fails and the queue behind it dries up. */
export const DEFAULT_SEED = 11;
/** Whether a name is one of DEMO_SCENARIOS. */
export const isDemoScenario = (name: string): name is DemoScenario => (DEMO_SCENARIOS as readonly string[]).includes(name);

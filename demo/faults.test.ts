import { expect, it } from 'vitest';
import { drawFault } from './faults.ts';
import { createWorld } from './simulation/world.ts';

it.each([1, 2, 3, 4])('a bad release comes after the version that runs, not after the first one (seed %d)', (seed) => {
  const world = createWorld(`${seed}`, 0);
  const fault = drawFault('bad_deploy', `${seed}`, { atMs: 0 });
  const { service } = fault.truth();
  const running = world.instances.get(service) ?? [];
  world.instances.set(
    service,
    running.map(({ spec, host }) =>
      world.createInstance(spec, host, { version: '7.8.9', errorChance: 0, error: null, addedMs: 0, operations: null }, 0),
    ),
  );
  fault.begin(world);
  expect(fault.truth().detail).toMatch(/ 7\.(?:8\.10|9\.0)(?: |$)/);
});
